// SPDX-License-Identifier: Apache-2.0
//
// circuit_breaker: a circuit that handlers on several threads share. While it is closed an attempt costs one
// atomic load on the way in and, where the last one was good, too, one on the way out; all else takes a
// lock.
//
// Who is refused is told when to come again; nobody waits here.
#pragma once

#include <corvid/middleware/circuit.hpp>
#include <corvid/model/outcome.hpp>
#include <corvid/observe/log.hpp>
#include <corvid/observe/metrics.hpp>

#include <atomic>
#include <mutex>
#include <string>

namespace corvid {

class circuit_breaker {
public:
    /// `settings` are valid and set. Says by `log` and `figures` (null: none) when it changes.
    circuit_breaker(std::string name, breaker_settings settings, const logger& log, metrics* figures);
    circuit_breaker(const circuit_breaker&) = delete;
    circuit_breaker& operator=(const circuit_breaker&) = delete;

    // Any thread.

    /// The period that leave() is told, or none: then `until` says when to ask again.
    [[nodiscard]] std::optional<std::uint64_t> enter(steady_time now, steady_time& until);
    void leave(std::uint64_t period, const outcome& how, steady_time now);

    [[nodiscard]] bool is_closed() const noexcept {
        return closed_period_.load(std::memory_order_relaxed) != 0;
    }
    /// None where an attempt may begin, `begun` probes being on their way to enter(); else when to ask again.
    [[nodiscard]] std::optional<steady_time> not_before(steady_time now, std::size_t begun) const;

    [[nodiscard]] circuit::state state() const;
    /// One sentence for operators.
    [[nodiscard]] std::string describe(steady_time now) const;
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] const breaker_settings& settings() const noexcept { return circuit_.settings(); }

private:
    [[nodiscard]] circuit::result meaning_of(const outcome& how) const;
    void note(const std::optional<circuit::change>& changed, const error* why);
    void tell(const circuit::change& changed, const std::optional<error>& why) const;

    const std::string name_;
    const logger log_;
    gauge shown_;
    mutable std::mutex mutex_;
    circuit circuit_;
    std::optional<error> last_; // that opened it
    // The period while it is closed, else 0; and whether a good attempt then changes nothing.
    std::atomic<std::uint64_t> closed_period_;
    std::atomic<bool> calm_;
};

} // namespace corvid
