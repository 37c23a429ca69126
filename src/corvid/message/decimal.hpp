// SPDX-License-Identifier: Apache-2.0
//
// decimal<Scale>: an exact number with Scale digits behind the point, for money and measures that binary
// floating point cannot hold. On the wire it is text ("12.50"), so that no reader rounds it; a plain number
// is read as well, digit by digit, never through a double.
#pragma once

#include <compare>
#include <cstdint>

namespace corvid {

/// A count of units of 10^-Scale: decimal<2>(1250) is 12.50. Arithmetic is that of the count; nothing rounds.
template <int Scale>
class decimal {
    static_assert(Scale >= 0 && Scale <= 18, "corvid: decimal<Scale> takes 0 to 18 digits behind the point");

public:
    static constexpr int scale = Scale;

    constexpr decimal() noexcept = default;
    constexpr explicit decimal(std::int64_t units) noexcept : units_(units) {}

    [[nodiscard]] constexpr std::int64_t units() const noexcept { return units_; }

    constexpr decimal& operator+=(decimal other) noexcept { return units_ += other.units_, *this; }
    constexpr decimal& operator-=(decimal other) noexcept { return units_ -= other.units_, *this; }
    friend constexpr decimal operator+(decimal a, decimal b) noexcept { return a += b; }
    friend constexpr decimal operator-(decimal a, decimal b) noexcept { return a -= b; }
    friend constexpr decimal operator*(decimal a, std::int64_t times) noexcept {
        return decimal(a.units_ * times);
    }
    friend constexpr decimal operator-(decimal a) noexcept { return decimal(-a.units_); }
    constexpr auto operator<=>(const decimal&) const = default;

private:
    std::int64_t units_ = 0;
};

} // namespace corvid
