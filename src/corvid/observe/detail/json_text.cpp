// SPDX-License-Identifier: Apache-2.0
#include <corvid/observe/detail/json_text.hpp>

#include <algorithm>
#include <cstdint>

namespace corvid::detail {

namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd";
constexpr std::uint32_t invalid = 0xffffffffU;

struct code_point {
    std::uint32_t value;
    std::size_t size;
};

unsigned byte_at(std::string_view text, std::size_t at) noexcept {
    return static_cast<unsigned char>(text[at]);
}

/// The code point at the beginning of `text`, which is not empty; an invalid one is one byte long.
code_point decode(std::string_view text) noexcept {
    const unsigned first = byte_at(text, 0);
    if (first < 0x80) return {first, 1};
    const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < size) return {invalid, 1};
    std::uint32_t value = first & (0x7fU >> size);
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte_at(text, i) & 0xc0U) != 0x80U) return {invalid, 1};
        value = value << 6U | (byte_at(text, i) & 0x3fU);
    }
    const bool too_long = (size == 3 && value < 0x800) || (size == 4 && value < 0x10000);
    if (too_long || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) return {invalid, 1};
    return {value, size};
}

bool is_invisible(std::uint32_t c) noexcept {
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0x200e || c == 0x200f || c == 0x061c || c == 0x2028 ||
           c == 0x2029 || c == 0xfeff;
}

/// The length of the escape sequence at the beginning of `text`, which is ESC: CSI up to its final byte, OSC
/// up to BEL or ESC, else two bytes.
std::size_t escape_size(std::string_view text) noexcept {
    if (text.size() < 2) return text.size();
    if (text[1] == '[') {
        std::size_t at = 2;
        while (at < text.size() && byte_at(text, at) >= 0x20 && byte_at(text, at) < 0x40)
            ++at;
        return std::min(at + 1, text.size());
    }
    if (text[1] == ']') {
        const std::size_t end = text.find_first_of("\x07\x1b", 2);
        return end == std::string_view::npos ? text.size() : end + (text[end] == '\x07' ? 1 : 0);
    }
    return byte_at(text, 1) >= 0x20 && byte_at(text, 1) < 0x7f ? 2 : 1;
}

template <class Append>
void for_each_clean(std::string_view text, std::size_t limit, Append append) {
    std::size_t at = 0;
    while (at < text.size()) {
        const code_point next = decode(text.substr(at));
        if (at + next.size > limit) {
            append("…(+" + std::to_string(text.size() - at) + " bytes)");
            return;
        }
        if (next.value == 0x1b) {
            at += escape_size(text.substr(at));
            continue;
        }
        if (next.value == invalid)
            append(replacement);
        else if (next.value == '\n' || next.value == '\r' || next.value == '\t')
            append(" ");
        else if (!is_invisible(next.value))
            append(text.substr(at, next.size));
        at += next.size;
    }
}

} // namespace

void append_clean(std::string& out, std::string_view text, std::size_t limit) {
    for_each_clean(text, limit, [&](std::string_view piece) { out += piece; });
}

void append_json(std::string& out, std::string_view text, std::size_t limit) {
    out += '"';
    for_each_clean(text, limit, [&](std::string_view piece) {
        if (piece == "\"" || piece == "\\") out += '\\';
        out += piece;
    });
    out += '"';
}

} // namespace corvid::detail
