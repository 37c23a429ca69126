// SPDX-License-Identifier: Apache-2.0
//
// settings_table: the one table of settings. A row is a path, the member it stands for, what values it takes
// and what it means; reading, the environment, describe() and the reference all go by it.
#pragma once

#include <corvid/service/settings.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace corvid::detail {

template <class Owner, class T>
using member = T& (*)(Owner&);

/// An enumeration, by the position of the enumerator in the names of its row.
template <class Owner>
struct choice {
    std::size_t (*get)(Owner&);
    void (*set)(Owner&, std::size_t);
};

template <class Owner>
using any_member =
    std::variant<member<Owner, std::string>, member<Owner, secret>, member<Owner, bool>,
                 member<Owner, std::uint32_t>, member<Owner, std::uint64_t>,
                 member<Owner, std::chrono::milliseconds>,
                 member<Owner, std::optional<std::chrono::milliseconds>>, choice<Owner>,
                 member<Owner, std::map<std::string, std::string>>, member<Owner, std::vector<std::string>>,
                 member<Owner, std::vector<topic_settings>>>;

template <class Owner>
struct setting_row {
    std::string_view path;
    any_member<Owner> value;
    std::string_view help;
    std::span<const std::string_view> names = {}; ///< of a choice: its enumerators; of a text: all it may be
    std::uint64_t least = 0; ///< of numbers, of sizes in bytes, of durations in milliseconds
    std::uint64_t most = std::numeric_limits<std::int32_t>::max();
};

[[nodiscard]] std::span<const setting_row<settings>> settings_table() noexcept;
/// The members of an entry under `topics`.
[[nodiscard]] std::span<const setting_row<topic_settings>> topic_table() noexcept;

/// `CORVID_` and the path in capitals, with `_` for what is neither letter nor digit.
[[nodiscard]] std::string variable_of(std::string_view path);
/// Which librdkafka property CORVID_KAFKA_PROPERTIES_<…> means: `.` for `_`, but for `log_level`, the only
/// one with a `_`.
[[nodiscard]] std::string property_of(std::string_view variable_rest);
inline constexpr std::string_view properties_prefix = "CORVID_KAFKA_PROPERTIES_";
/// Variables that are corvid's but no settings: those of its tests, benches and scripts.
[[nodiscard]] bool is_tool_variable(std::string_view name) noexcept;

/// The value of a row as its file would say it; secrets redacted.
template <class Owner>
[[nodiscard]] std::string text_of(const setting_row<Owner>& row, Owner& of);
/// What a row takes, for errors and the reference: `a duration`, `one of: a, b`, …
template <class Owner>
[[nodiscard]] std::string type_of(const setting_row<Owner>& row);

} // namespace corvid::detail
