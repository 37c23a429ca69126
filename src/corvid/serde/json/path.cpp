// SPDX-License-Identifier: Apache-2.0
#include <corvid/serde/json/path.hpp>

#include <algorithm>
#include <ranges>

namespace corvid::json {

namespace {

constexpr std::size_t longest = 64;

bool is_plain(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

} // namespace

void path::inside(std::string_view member) {
    if (!member.empty() && member.size() <= longest && std::ranges::all_of(member, is_plain))
        steps_.push_back("." + std::string(member));
    else
        steps_.push_back("[" + quoted(member) + "]");
}

std::string path::text() const {
    std::string text = "$";
    for (const std::string& step : steps_ | std::views::reverse)
        text += step;
    return text;
}

std::string quoted(std::string_view text) {
    std::string safe = "\"";
    std::size_t end = std::min(text.size(), longest);
    while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
        --end;
    for (char c : text.substr(0, end))
        safe += static_cast<unsigned char>(c) < 0x20 || c == '\x7f' ? '?' : c;
    return safe + (end < text.size() ? "…\"" : "\"");
}

} // namespace corvid::json
