// SPDX-License-Identifier: Apache-2.0
#include <corvid/serde/json/reader.hpp>

#include <optional>

namespace corvid::json {

namespace {

std::optional<std::uint32_t> hex4(std::string_view text) noexcept {
    if (text.size() < 4) return std::nullopt;
    std::uint32_t value = 0;
    for (char c : text.substr(0, 4)) {
        const auto lower = static_cast<char>(c | 0x20);
        if (c >= '0' && c <= '9')
            value = value << 4 | static_cast<std::uint32_t>(c - '0');
        else if (lower >= 'a' && lower <= 'f')
            value = value << 4 | static_cast<std::uint32_t>(lower - 'a' + 10);
        else
            return std::nullopt;
    }
    return value;
}

void append_utf8(std::string& to, std::uint32_t code) {
    const auto tail = [&](int shift) { to += static_cast<char>(0x80U | (code >> shift & 0x3FU)); };
    if (code < 0x80) {
        to += static_cast<char>(code);
    } else if (code < 0x800) {
        to += static_cast<char>(0xC0U | code >> 6);
        tail(0);
    } else if (code < 0x10000) {
        to += static_cast<char>(0xE0U | code >> 12);
        tail(6), tail(0);
    } else {
        to += static_cast<char>(0xF0U | code >> 18);
        tail(12), tail(6), tail(0);
    }
}

/// Reads XXXX, or XXXX\uXXXX for a pair of surrogates, off the front of `rest`.
bool take_code_point(std::string_view& rest, std::string& to) {
    auto code = hex4(rest);
    if (!code) return false;
    rest.remove_prefix(4);
    if (*code >= 0xDC00 && *code <= 0xDFFF) return false;
    if (*code >= 0xD800 && *code <= 0xDBFF) {
        if (!rest.starts_with("\\u")) return false;
        const auto low = hex4(rest.substr(2));
        if (!low || *low < 0xDC00 || *low > 0xDFFF) return false;
        rest.remove_prefix(6);
        code = 0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00);
    }
    append_utf8(to, *code);
    return true;
}

char simple_escape(char c) noexcept {
    switch (c) {
    case '"':
    case '\\':
    case '/':
        return c;
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return '\0';
    }
}

} // namespace

bool reader::unescape(std::string_view raw, std::string& to) {
    to.clear();
    while (!raw.empty()) {
        const std::size_t plain = std::min(raw.find('\\'), raw.size());
        to.append(raw.substr(0, plain));
        raw.remove_prefix(plain);
        if (raw.empty()) break;
        const char kind = raw.size() > 1 ? raw[1] : '\0';
        raw.remove_prefix(std::min<std::size_t>(2, raw.size()));
        if (kind == 'u') {
            if (!take_code_point(raw, to))
                return fail(errc::malformed_payload,
                            "a string has a malformed \\u escape or half a surrogate pair");
        } else if (const char c = simple_escape(kind)) {
            to += c;
        } else {
            return fail(errc::malformed_payload, "a string has an unknown escape");
        }
    }
    return true;
}

} // namespace corvid::json
