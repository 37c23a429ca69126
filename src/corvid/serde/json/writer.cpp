// SPDX-License-Identifier: Apache-2.0
#include <corvid/serde/json/writer.hpp>

#include <simdjson.h>

#include <array>
#include <charconv>
#include <cmath>

namespace corvid::json {

namespace {

enum : std::uint8_t { plain = 0, escape = 1, beyond_ascii = 2 };

constexpr std::array<std::uint8_t, 256> classes = [] {
    std::array<std::uint8_t, 256> table{};
    for (std::size_t c = 0; c < 0x20; ++c)
        table[c] = escape;
    table['"'] = table['\\'] = escape;
    for (std::size_t c = 0x80; c < 0x100; ++c)
        table[c] = beyond_ascii;
    return table;
}();

/// The classes of eight bytes at once: 0 when all are plain.
bool eight_are_plain(const char* at) noexcept {
    constexpr std::uint64_t ones = 0x0101010101010101ULL;
    constexpr std::uint64_t highs = 0x8080808080808080ULL;
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    const auto has_zero = [](std::uint64_t v) { return (v - ones) & ~v & highs; };
    const std::uint64_t below_space = (word - ones * 0x20) & ~word & highs;
    return ((word & highs) | below_space | has_zero(word ^ ones * '"') | has_zero(word ^ ones * '\\')) == 0;
}

char* put_escaped(char* to, char c) noexcept {
    constexpr std::string_view digits = "0123456789abcdef";
    *to++ = '\\';
    switch (c) {
    case '"':
    case '\\':
        *to++ = c;
        break;
    case '\b':
        *to++ = 'b';
        break;
    case '\f':
        *to++ = 'f';
        break;
    case '\n':
        *to++ = 'n';
        break;
    case '\r':
        *to++ = 'r';
        break;
    case '\t':
        *to++ = 't';
        break;
    default:
        for (char digit : {'u', '0', '0', digits[static_cast<unsigned char>(c) >> 4], digits[c & 15]})
            *to++ = digit;
    }
    return to;
}

template <class T>
void append_number(byte_buffer& to, T value) {
    char* const from = to.room(32);
    to.advance(static_cast<std::size_t>(std::to_chars(from, from + 32, value).ptr - from));
}

} // namespace

void writer::write(std::int64_t value) { append_number(to_, value); }
void writer::write(std::uint64_t value) { append_number(to_, value); }

bool writer::write(double value) {
    if (!std::isfinite(value)) return fail("NaN and the infinities have no form in JSON");
    return append_number(to_, value), true;
}

bool writer::write(float value) {
    if (!std::isfinite(value)) return fail("NaN and the infinities have no form in JSON");
    return append_number(to_, value), true;
}

bool writer::write(std::string_view text) {
    char* const start = to_.room(6 * text.size() + 2); // the worst case, every byte as \u00xx
    char* to = start;
    *to++ = '"';
    const char* at = text.data();
    const char* const end = at + text.size();
    std::uint8_t seen = 0;
    while (at != end) {
        for (; end - at >= 8 && eight_are_plain(at); at += 8, to += 8)
            std::memcpy(to, at, 8);
        for (int i = 0; at != end && i < 8; ++i, ++at) {
            const std::uint8_t which = classes[static_cast<unsigned char>(*at)];
            seen |= which;
            if (which == escape)
                to = put_escaped(to, *at);
            else
                *to++ = *at;
        }
    }
    *to++ = '"';
    if ((seen & beyond_ascii) != 0 && !simdjson::validate_utf8(text.data(), text.size()))
        return fail("the text is not valid UTF-8");
    to_.advance(static_cast<std::size_t>(to - start));
    return true;
}

std::string& writer::scratch() {
    constexpr std::size_t keep_at_most = std::size_t{1} << 20;
    thread_local std::string text;
    if (text.capacity() > keep_at_most) text = {};
    text.clear();
    return text;
}

bool writer::fail(std::string message) {
    failure_ = std::make_unique<failure>(failure{std::move(message), {}});
    return false;
}

bool writer::at(std::string_view member) {
    failure_->where.inside(member);
    return false;
}

bool writer::at(std::size_t index) {
    failure_->where.inside(index);
    return false;
}

error writer::why() const {
    return error(errc::unserialisable,
                 {.message = failure_->where.text() + ": " + failure_->message, .operation = "encode"});
}

} // namespace corvid::json
