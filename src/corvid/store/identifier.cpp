// SPDX-License-Identifier: Apache-2.0
#include <corvid/store/identifier.hpp>

namespace corvid::store {

namespace {

// Length of the UTF-8 sequence at the front of `text`, 0 if there is none (RFC 3629, table 3-7 of Unicode).
std::size_t sequence(std::string_view text) noexcept {
    const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
    const auto tail = [&](std::size_t i) { return (at(i) & 0xC0U) == 0x80U; };
    const unsigned a = at(0), b = at(1);
    if (a < 0x80) return 1;
    if (a >= 0xC2 && a <= 0xDF) return tail(1) ? 2 : 0;
    if (a >= 0xE0 && a <= 0xEF)
        return tail(1) && tail(2) && !(a == 0xE0 && b < 0xA0) && !(a == 0xED && b > 0x9F) ? 3 : 0;
    if (a >= 0xF0 && a <= 0xF4)
        return tail(1) && tail(2) && tail(3) && !(a == 0xF0 && b < 0x90) && !(a == 0xF4 && b > 0x8F) ? 4 : 0;
    return 0;
}

std::unexpected<error> refused(std::string why) {
    return fail(errc::invalid_name, {.message = "a name for SQL " + std::move(why),
                                     .hint = "use 1 to 63 bytes of UTF-8 without NUL"});
}

} // namespace

bool is_utf8(std::string_view text) noexcept {
    while (!text.empty()) {
        const std::size_t length = sequence(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

result<identifier> identifier::parse(std::string_view name) {
    if (name.empty()) return refused("is empty");
    if (name.size() > max_bytes) return refused("has " + std::to_string(name.size()) + " bytes");
    if (name.find('\0') != std::string_view::npos) return refused("holds a NUL");
    if (!is_utf8(name)) return refused("is not UTF-8");
    identifier made;
    made.quoted_ = '"';
    for (const char c : name) {
        if (c == '"') made.quoted_ += '"';
        made.quoted_ += c;
    }
    made.quoted_ += '"';
    return made;
}

result<identifier> identifier::parse_qualified(std::string_view name) {
    const auto dot = name.find('.');
    if (dot == std::string_view::npos) return parse(name);
    auto schema = parse(name.substr(0, dot));
    if (!schema) return schema;
    auto table = parse(name.substr(dot + 1));
    if (table) table->quoted_.insert(0, schema->quoted_ + '.');
    return table;
}

identifier::identifier(std::string_view name) {
    auto parsed = parse(name);
    if (!parsed) throw config_error(std::move(parsed.error()));
    quoted_ = std::move(parsed->quoted_);
}

} // namespace corvid::store
