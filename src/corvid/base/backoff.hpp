// SPDX-License-Identifier: Apache-2.0
//
// exponential: how long to wait before the next attempt. A pure value: the attempt's number and a random
// number come in, a time goes out. Safe to use from any thread.
#pragma once

#include <corvid/base/result.hpp>
#include <corvid/base/scheduler.hpp>

#include <chrono>

namespace corvid {

/// first, first·factor, first·factor², … up to `cap`, each spread evenly over ± its `jitter`th part.
/// With jitter the longest base is cap/(1+jitter): many waiters at the cap stay spread and none waits longer
/// than it.
struct exponential {
    duration first = std::chrono::milliseconds{100}; ///< above 0
    double factor = 2;                               ///< at least 1
    int limit = 5;                                   ///< attempts in all, the first one included; at least 1
    double jitter = 0.2;                             ///< 0 (none) up to, not including, 1
    duration cap = std::chrono::minutes{5};          ///< at least `first`

    /// The wait after `attempt` attempts have failed (1, 2, …; less counts as 1), for `random01` uniform in
    /// [0, 1). Defined and within 0 … cap for every attempt, whatever `limit` says.
    [[nodiscard]] duration delay(int attempt, double random01) const noexcept;

    /// True when no further attempt follows the `attempts` that have been made.
    [[nodiscard]] bool exhausted(int attempts) const noexcept { return attempts >= limit; }

    /// errc::invalid_setting or errc::conflicting_settings, naming the member.
    [[nodiscard]] result<void> validate() const;

    friend bool operator==(const exponential&, const exponential&) = default;
};

} // namespace corvid
