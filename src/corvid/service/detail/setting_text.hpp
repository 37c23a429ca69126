// SPDX-License-Identifier: Apache-2.0
//
// Settings as text: numbers with units, `${…}`, and which name was probably meant. Pure, but for the file of
// `${file:…}`.
#pragma once

#include <corvid/base/result.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace corvid::detail {

[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text) noexcept;
/// `200ms`, `5s`, `20m`, `12h`, `7d`, or 0; whole numbers only.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) noexcept;
/// `1024`, `512KiB`, `16MiB`, `1GiB`, `500kB`, `1MB`, `1GB`.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text) noexcept;

/// In the largest unit that gives a whole number; what the parsers read again.
[[nodiscard]] std::string duration_text(std::chrono::milliseconds time);
[[nodiscard]] std::string size_text(std::uint64_t bytes);

/// `text` with `${NAME}`, `${NAME:default}` and `${file:PATH}` replaced, once: what they bring is not looked
/// at again. Errors: invalid_setting (the form), secret_unreadable (a variable or file that is not there, or
/// that all may read).
[[nodiscard]] result<std::string> expand(std::string_view text,
                                         const std::map<std::string, std::string, std::less<>>& variables);

/// The text of a file that holds a secret, without its last line break. It must be a file of at most 64 KiB
/// that not everybody may read, unless it lies where container platforms mount secrets (/run/secrets,
/// /var/run/secrets).
[[nodiscard]] result<std::string> read_secret_file(const std::string& path);

/// Insertions, deletions, replacements and swaps of neighbours that make `b` of `a`.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);
/// The first of the nearest; empty if there is no candidate.
[[nodiscard]] std::string_view nearest(std::string_view name, std::span<const std::string> candidates);

} // namespace corvid::detail
