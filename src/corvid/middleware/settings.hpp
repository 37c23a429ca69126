// SPDX-License-Identifier: Apache-2.0
//
// What a subscription may say about one attempt of its handler. What is left as it is here is not there: it
// costs nothing.
//
//   { .breaker = {.failures = 10, .open_for = 30s}, .rate = {.per_second = 200}, .deadline = 2s }
#pragma once

#include <corvid/base/error.hpp>
#include <corvid/base/result.hpp>
#include <corvid/base/scheduler.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace corvid {

/// A circuit breaker: when the dependency of a handler is ill, nothing is asked of it for a while. It opens
/// by `failures`, or by `failure_rate`, or by either.
///
/// A failure is an attempt that is to be tried again: a retry, an exception, a deadline. A record that is
/// rejected says nothing about the dependency.
struct breaker_settings {
    int failures = 0;          ///< in a row; 0: not by these
    double failure_rate = 0;   ///< part of the attempts within `window`, up to 1; 0: not by this
    std::size_t at_least = 20; ///< attempts within `window` before failure_rate is judged
    duration window = std::chrono::seconds(10);
    duration open_for = std::chrono::seconds(30); ///< nothing is tried for so long; then the probes are
    std::size_t probes = 1; ///< tried at once then; so many good ones close it, a bad one opens it
    /// Of a dependency: the handlers of the service that name it share its breaker; empty: one of its own.
    std::string name = {};
    /// Which failures count; none: all. Called on the thread of the handler.
    std::function<bool(const error&)> counts = {};

    [[nodiscard]] bool is_set() const noexcept { return failures != 0 || failure_rate != 0; }
    /// errc::invalid_setting, naming the member.
    [[nodiscard]] result<void> validate() const;
};

/// A rate limit: attempts a second, by a token bucket. What is over it waits, in its order, in no handler.
struct rate_settings {
    double per_second = 0; ///< 0: no limit; up to 10 million
    double burst = 0;      ///< at once after a rest; 0: a tenth of a second's worth, at least 1
    std::string name = {}; ///< shared by the handlers of the service that name it; empty: one of its own

    [[nodiscard]] bool is_set() const noexcept { return per_second != 0; }
    [[nodiscard]] double its_burst() const noexcept;
    [[nodiscard]] result<void> validate() const;
};

/// A bulkhead: how many attempts are inside a handler, or a dependency of several, at once.
struct bulkhead_settings {
    std::size_t at_once = 0;  ///< 0: no bulkhead
    std::size_t waiting = 64; ///< attempts that wait for a place; those beyond it are not begun
    duration wait = std::chrono::seconds(1); ///< for a place, then the record goes back to its lane
    std::string name = {};                   ///< shared by the handlers of the service that name it

    [[nodiscard]] bool is_set() const noexcept { return at_once != 0; }
    [[nodiscard]] result<void> validate() const;
};

class span_sink;

struct tracing_settings {
    std::shared_ptr<span_sink> sink = {}; ///< takes what was traced; none: the service's, if it has one
    double sample = 1;                    ///< part of the traces begun here that are kept, from 0 to 1
    [[nodiscard]] result<void> validate() const;
};

} // namespace corvid
