// SPDX-License-Identifier: Apache-2.0
#include <corvid/outbox/relay/number_ranges.hpp>

#include <charconv>

namespace corvid::outbox_detail {

namespace {

bool take(std::string_view& text, char c) {
    if (text.empty() || text.front() != c) return false;
    text.remove_prefix(1);
    return true;
}

bool take(std::string_view& text, std::int64_t& number) {
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (wrong != std::errc{}) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
}

bool take(std::string_view& text, number_range& to) {
    return take(text, '[') && take(text, to.from) && take(text, ',') && take(text, to.to) && take(text, ']');
}

} // namespace

std::string ranges_text(const std::vector<number_range>& ranges) {
    std::string text = "[";
    for (const number_range& each : ranges) {
        if (text.size() > 1) text += ',';
        text += '[' + std::to_string(each.from) + ',' + std::to_string(each.to) + ']';
    }
    return text += ']';
}

result<std::vector<number_range>> parse_ranges(std::string_view text) {
    std::vector<number_range> all;
    std::string_view rest = text;
    bool fine = take(rest, '[');
    while (fine && !rest.starts_with(']')) {
        number_range each;
        fine = (all.empty() || take(rest, ',')) && take(rest, each) && each.from < each.to &&
               (all.empty() || all.back().to <= each.from);
        all.push_back(each);
    }
    if (fine && rest == "]") return all;
    return fail(errc::malformed_payload,
                {.message = "outbox_positions.missing is \"" + std::string(text) + '"',
                 .hint = "restore the row; never write to it by hand",
                 .operation = "read the relay's position"});
}

} // namespace corvid::outbox_detail
