// SPDX-License-Identifier: Apache-2.0
//
// Times, dates, bytes and decimals as text, the same in every text format and in keys. Readers answer false
// for a text that is not exactly of the form and touch nothing then; writers append. None of them allocates
// beyond `to`.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace corvid::value_text {

/// A point in time: seconds since 1970-01-01T00:00:00Z, and nanoseconds behind them (0 to 999,999,999).
struct instant {
    std::int64_t seconds = 0;
    std::int32_t nanoseconds = 0;
    bool operator==(const instant&) const = default;
};

/// RFC 3339 (`2013-01-01T05:15:00.25-05:00`): any offset, up to 9 digits of fraction, `T` or a space. Years
/// 0000 to 9999. A leap second (`:60`) is refused: no clock of C++ can hold it.
[[nodiscard]] bool read_instant(std::string_view text, instant& to) noexcept;
/// `2013-01-01T10:15:00Z` with `digits` (0, 3, 6 or 9) of fraction; at most 30 characters. False, and nothing
/// is written, where the year is not within 0000 to 9999.
[[nodiscard]] bool append_instant(std::string& to, instant value, int digits);

/// `2013-01-31`; only dates that exist.
[[nodiscard]] bool read_date(std::string_view text, std::chrono::year_month_day& to) noexcept;
[[nodiscard]] bool append_date(std::string& to, std::chrono::year_month_day value);

/// Base64 of RFC 4648 section 4, padded; anything else, line breaks too, is refused.
[[nodiscard]] bool read_base64(std::string_view text, std::vector<std::byte>& to);
void append_base64(std::string& to, std::span<const std::byte> bytes);

/// What became of reading a decimal.
enum class decimal_reading : std::uint8_t { ok, malformed, does_not_fit };

/// `-12.5` as a count of 10^-scale. Zeros behind the scale are ignored, other digits there do not fit;
/// exponents are malformed.
[[nodiscard]] decimal_reading read_decimal(std::string_view text, int scale, std::int64_t& to) noexcept;
/// All `scale` digits are written: 1250 at scale 2 is `12.50`.
void append_decimal(std::string& to, std::int64_t units, int scale);

} // namespace corvid::value_text
