// SPDX-License-Identifier: Apache-2.0
#include <corvid/service/detail/setting_text.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <system_error>
#include <utility>
#include <vector>

namespace corvid::detail {

namespace {

struct unit {
    std::string_view name;
    std::uint64_t factor;
};

// The largest first, so that the first that divides is the shortest text.
constexpr std::array<unit, 5> time_units = {
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::array<unit, 3> binary_units = {
    {{"GiB", 1ULL << 30U}, {"MiB", 1ULL << 20U}, {"KiB", 1ULL << 10U}}};
constexpr std::array<unit, 5> other_units = {
    {{"GB", 1'000'000'000}, {"MB", 1'000'000}, {"kB", 1'000}, {"KB", 1'000}, {"B", 1}}};

std::pair<std::string_view, std::string_view> split(std::string_view text) noexcept {
    const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
    const std::size_t name = std::min(text.find_first_not_of(' ', end), text.size());
    return {text.substr(0, end), text.substr(name)};
}

std::optional<std::uint64_t> scaled(std::uint64_t number, std::uint64_t factor, std::uint64_t most) noexcept {
    return number <= most / factor ? std::optional(number * factor) : std::nullopt;
}

std::optional<std::uint64_t> with_unit(std::string_view text, std::span<const unit> units,
                                       std::uint64_t most) noexcept {
    const auto [digits, name] = split(text);
    const auto number = parse_number(digits);
    const auto found = std::ranges::find(units, name, &unit::name);
    return number && found != units.end() ? scaled(*number, found->factor, most) : std::nullopt;
}

bool is_variable_name(std::string_view name) noexcept {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    return !name.empty() && letter(name[0]) &&
           std::ranges::all_of(name, [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

bool is_mount_of_secrets(const std::filesystem::path& path) {
    const std::string text = path.lexically_normal().string();
    return text.starts_with("/run/secrets/") || text.starts_with("/var/run/secrets/");
}

/// What stands between `${` and `}`.
result<std::string> reference(std::string_view inner,
                              const std::map<std::string, std::string, std::less<>>& variables) {
    if (inner.starts_with("file:")) return read_secret_file(std::string(inner.substr(5)));
    const std::size_t colon = inner.find(':');
    const std::string_view name = inner.substr(0, colon);
    if (!is_variable_name(name))
        return fail(errc::invalid_setting,
                    {.message = "`${" + std::string(inner) + "}` names no variable",
                     .hint = "write ${NAME}, ${NAME:default} or ${file:/path}; $${ for a plain ${"});
    if (const auto found = variables.find(name); found != variables.end()) return found->second;
    if (colon != std::string_view::npos) return std::string(inner.substr(colon + 1));
    return fail(errc::secret_unreadable,
                {.message = "the variable " + std::string(name) + " is not set",
                 .hint = "set it, or give a default: ${" + std::string(name) + ":default}"});
}

} // namespace

std::optional<std::uint64_t> parse_number(std::string_view text) noexcept {
    std::uint64_t number = 0;
    const char* begin = text.data();
    const char* end = begin + text.size();
    const auto [stop, failed] = std::from_chars(begin, end, number);
    return failed == std::errc() && stop == end ? std::optional(number) : std::nullopt;
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) noexcept {
    constexpr auto most =
        static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max() / 1'000'000); // as nanoseconds
    if (text == "0") return std::chrono::milliseconds(0);
    const auto number = with_unit(text, time_units, most);
    return number ? std::optional(std::chrono::milliseconds(*number)) : std::nullopt;
}

std::optional<std::uint64_t> parse_size(std::string_view text) noexcept {
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    if (const auto plain = parse_number(text)) return plain;
    if (const auto number = with_unit(text, binary_units, most)) return number;
    return with_unit(text, other_units, most);
}

std::string duration_text(std::chrono::milliseconds time) {
    const auto number = static_cast<std::uint64_t>(time.count());
    for (const unit& each : time_units)
        if (number != 0 && number % each.factor == 0)
            return std::to_string(number / each.factor) + std::string(each.name);
    return "0";
}

std::string size_text(std::uint64_t bytes) {
    for (const unit& each : binary_units)
        if (bytes != 0 && bytes % each.factor == 0)
            return std::to_string(bytes / each.factor) + std::string(each.name);
    return std::to_string(bytes);
}

result<std::string> expand(std::string_view text,
                           const std::map<std::string, std::string, std::less<>>& variables) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t dollar = text.find("${", at);
        out += text.substr(at, dollar - at);
        if (dollar == std::string_view::npos) break;
        if (dollar > at && text[dollar - 1] == '$') {
            out.back() = '$';
            out += '{';
            at = dollar + 2;
            continue;
        }
        const std::size_t end = text.find('}', dollar);
        if (end == std::string_view::npos)
            return fail(errc::invalid_setting,
                        {.message = "`${` has no `}`", .hint = "close it, or write $${ for a plain ${"});
        auto value = reference(text.substr(dollar + 2, end - dollar - 2), variables);
        if (!value) return value;
        out += *value;
        at = end + 1;
    }
    return out;
}

result<std::string> read_secret_file(const std::string& path) {
    namespace fs = std::filesystem;
    const auto unreadable = [&](std::string_view why, std::string_view hint) {
        return fail(errc::secret_unreadable, {.message = "the secret file " + path + ' ' + std::string(why),
                                              .hint = std::string(hint)});
    };
    std::error_code failed;
    const fs::file_status status = fs::status(path, failed);
    if (!fs::is_regular_file(status))
        return unreadable("is not there, or is no file", "check the path of ${file:…}");
    const bool for_all = (status.permissions() & fs::perms::others_read) != fs::perms::none;
    if (for_all && !is_mount_of_secrets(path))
        return unreadable("may be read by everybody", "chmod o-r " + path);
    std::ifstream in(path, std::ios::binary);
    constexpr std::size_t most = std::size_t{64} * 1024;
    std::string text(most + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (in.bad() || (!in.eof() && in.gcount() == 0))
        return unreadable("cannot be read", "check its permissions");
    if (text.size() > most) return unreadable("has more than 64 KiB", "check the path of ${file:…}");
    if (text.ends_with('\n')) text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
    return text;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> last(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j)
        last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + cost});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = std::min(row[j], before[j - 2] + 1);
        }
        std::swap(before, last);
        std::swap(last, row);
    }
    return last[b.size()];
}

std::string_view nearest(std::string_view name, std::span<const std::string> candidates) {
    const auto distance = [&](const std::string& candidate) { return edit_distance(name, candidate); };
    const auto found = std::ranges::min_element(candidates, {}, distance);
    return found == candidates.end() ? std::string_view() : std::string_view(*found);
}

} // namespace corvid::detail
