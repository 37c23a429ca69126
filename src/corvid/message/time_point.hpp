// SPDX-License-Identifier: Apache-2.0
//
// Between std::chrono::sys_time of any whole-numbered resolution and the instants of value_text.
#pragma once

#include <corvid/message/value_text.hpp>

#include <chrono>
#include <cstdint>
#include <limits>
#include <utility>

namespace corvid::reflect {

/// Digits of fraction that hold a count of this period: 0, 3, 6 or 9.
template <class Period>
constexpr int fraction_digits() noexcept {
    static_assert(Period::num == 1 || Period::den == 1,
                  "corvid: a time point counts whole or fractions of seconds");
    static_assert(1'000'000'000 % Period::den == 0, "corvid: a time point counts nanoseconds at the finest");
    return Period::den == 1 ? 0 : Period::den <= 1'000 ? 3 : Period::den <= 1'000'000 ? 6 : 9;
}

/// Rounds down to D's resolution. False where D cannot hold it.
template <class D>
constexpr bool from_instant(value_text::instant from, std::chrono::sys_time<D>& to) noexcept {
    using rep = typename D::rep;
    using period = typename D::period;
    (void)fraction_digits<period>();
    std::int64_t count = 0;
    if constexpr (period::den == 1) {
        count = from.seconds / period::num - (from.seconds % period::num < 0 ? 1 : 0);
    } else {
        const std::int64_t fraction = from.nanoseconds / (1'000'000'000 / period::den);
        // Towards zero first, so that the earliest representable instants do not overflow on the way.
        const bool before = from.seconds < 0 && fraction > 0;
        if (__builtin_mul_overflow(from.seconds + (before ? 1 : 0), std::int64_t{period::den}, &count))
            return false;
        if (__builtin_add_overflow(count, before ? fraction - period::den : fraction, &count)) return false;
    }
    if (!std::in_range<rep>(count)) return false;
    to = std::chrono::sys_time<D>(D(static_cast<rep>(count)));
    return true;
}

/// False where seconds since 1970 do not fit 64 bits.
template <class D>
constexpr bool to_instant(std::chrono::sys_time<D> from, value_text::instant& to) noexcept {
    using period = typename D::period;
    const auto count = static_cast<std::int64_t>(from.time_since_epoch().count());
    if constexpr (period::den == 1) {
        to.nanoseconds = 0;
        return !__builtin_mul_overflow(count, std::int64_t{period::num}, &to.seconds);
    } else {
        const std::int64_t behind = (count % period::den + period::den) % period::den;
        to.seconds = count / period::den - (count % period::den < 0 ? 1 : 0);
        to.nanoseconds = static_cast<std::int32_t>(behind * (1'000'000'000 / period::den));
        return true;
    }
}

} // namespace corvid::reflect
