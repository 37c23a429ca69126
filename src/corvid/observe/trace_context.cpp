// SPDX-License-Identifier: Apache-2.0
#include <corvid/observe/trace_context.hpp>

#include <algorithm>
#include <cstddef>
#include <span>

namespace corvid {

namespace {

// Capital digits are not valid in a traceparent.
int nibble(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool read_hex(std::string_view text, std::span<std::uint8_t> into) noexcept {
    for (std::size_t i = 0; i < into.size(); ++i) {
        const int high = nibble(text[2 * i]);
        const int low = nibble(text[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        into[i] = static_cast<std::uint8_t>(high * 16 + low);
    }
    return true;
}

void write_hex(std::span<const std::uint8_t> bytes, std::string& into) {
    constexpr std::string_view digits = "0123456789abcdef";
    for (std::uint8_t byte : bytes) {
        into += digits[byte >> 4U];
        into += digits[byte & 15U];
    }
}

bool any(std::span<const std::uint8_t> bytes) noexcept {
    return std::ranges::any_of(bytes, [](std::uint8_t byte) { return byte != 0; });
}

constexpr std::size_t traceparent_size = 55;

} // namespace

std::optional<trace_context> trace_context::parse(std::string_view text) noexcept {
    if (text.size() < traceparent_size || text[2] != '-' || text[35] != '-' || text[52] != '-')
        return std::nullopt;
    trace_context context;
    std::array<std::uint8_t, 1> version{};
    std::array<std::uint8_t, 1> flags{};
    if (!read_hex(text, version) || !read_hex(text.substr(3), context.trace_id) ||
        !read_hex(text.substr(36), context.span_id) || !read_hex(text.substr(53), flags))
        return std::nullopt;
    if (version[0] == 0xff || !context.valid()) return std::nullopt;
    if (text.size() > traceparent_size && (version[0] == 0 || text[traceparent_size] != '-'))
        return std::nullopt;
    context.sampled = (flags[0] & 1U) != 0;
    return context;
}

bool trace_context::valid() const noexcept { return any(trace_id) && any(span_id); }

std::string trace_context::traceparent() const {
    std::string text = "00-";
    text.reserve(traceparent_size);
    write_hex(trace_id, text);
    text += '-';
    write_hex(span_id, text);
    return text += sampled ? "-01" : "-00";
}

std::string trace_context::trace_id_text() const {
    std::string text;
    write_hex(trace_id, text);
    return text;
}

std::string trace_context::span_id_text() const {
    std::string text;
    write_hex(span_id, text);
    return text;
}

trace_context trace_context::child(std::uint64_t span) const noexcept {
    trace_context next = *this;
    for (std::size_t i = next.span_id.size(); i-- > 0; span >>= 8U)
        next.span_id[i] = static_cast<std::uint8_t>(span);
    return next;
}

} // namespace corvid
