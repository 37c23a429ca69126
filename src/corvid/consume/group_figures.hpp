// SPDX-License-Identifier: Apache-2.0
//
// group_figures: what a group's loop counts, resolved once for each partition; group_state: what probes ask
// from any thread.
#pragma once

#include <corvid/base/scheduler.hpp>
#include <corvid/broker/record_source.hpp>
#include <corvid/lanes/intake_gate.hpp>
#include <corvid/observe/metrics.hpp>

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace corvid {

struct partition_figures {
    counter done, skipped, retried, rejected, stopped, gaps, killers, parked, unparked, discarded;
    counter had_no_offset, was_out_of_range;
    gauge lag, committed, standing, starts, dead_keys;
    histogram age, handling;
    /// Of its topic, by the error's code. Looks its series up at each call.
    [[nodiscard]] counter dead_letters(const error& why) const;

    metrics* into = nullptr;
    std::string topic = {}, group = {};
};

/// Of a subscription, for its watchdog.
struct handler_figures {
    gauge oldest, hottest, most_attempts;
};

class group_figures {
public:
    group_figures(metrics* into, const std::string& group);
    [[nodiscard]] partition_figures of(const topic_partition& where, const std::string& handler);
    [[nodiscard]] handler_figures of(const std::string& handler);
    /// Partitions of which nothing is taken, by the reason.
    void intake_stopped(const std::map<intake_stop, std::size_t>& stopped);
    /// Records in hand by topic. A topic that is not named any more has no figure.
    void in_hand(const std::map<std::string_view, std::size_t>& records);

    counter commit_failures, restarts, assigned, revoked, lost;
    counter watchdog_leaves;
    gauge partitions, last_poll;

private:
    metrics* into_;
    std::string group_;
    std::map<std::string, gauge, std::less<>> in_hand_;
    std::map<intake_stop, gauge> stopped_;
};

/// Written by the loop, read by probes on any thread.
class group_state {
public:
    void ticked(steady_time now) noexcept {
        ticked_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
    }
    [[nodiscard]] steady_time last_tick() const noexcept {
        return steady_time(steady_time::duration(ticked_.load(std::memory_order_relaxed)));
    }
    /// Handlers that have not returned, those of partitions given back included; as of the last tick.
    void at_work(std::size_t handlers) noexcept { at_work_.store(handlers, std::memory_order_relaxed); }
    [[nodiscard]] std::size_t at_work() const noexcept { return at_work_.load(std::memory_order_relaxed); }

    void assigned(std::size_t partitions) noexcept {
        partitions_.store(partitions, std::memory_order_relaxed);
    }
    [[nodiscard]] std::size_t partitions() const noexcept {
        return partitions_.load(std::memory_order_relaxed);
    }

    /// Keys that are dead in those partitions; as of the last tick.
    void dead_keys(std::size_t count) noexcept { dead_keys_.store(count, std::memory_order_relaxed); }
    [[nodiscard]] std::size_t dead_keys() const noexcept {
        return dead_keys_.load(std::memory_order_relaxed);
    }

    /// Why the group does not get on; empty: it does.
    void trouble(std::string what);
    [[nodiscard]] std::string trouble() const;
    /// The partitions that stopped at a record, each with the reason; empty: none.
    void stopped(std::string what);
    [[nodiscard]] std::string stopped() const;
    /// What the watchdog found; empty: everything gets on.
    void findings(std::string what, bool stuck);
    [[nodiscard]] std::string findings() const;
    [[nodiscard]] bool is_stuck() const noexcept { return stuck_.load(std::memory_order_relaxed); }
    /// Why the member has left its group until a handler returns; empty: it has not.
    void away(std::string why);
    [[nodiscard]] std::string away() const;

private:
    void set(std::string& which, std::string to);
    [[nodiscard]] std::string get(const std::string& which) const;

    std::atomic<steady_time::rep> ticked_{0};
    std::atomic<std::size_t> partitions_{0}, at_work_{0}, dead_keys_{0};
    mutable std::mutex mutex_;
    std::atomic<bool> stuck_{false};
    std::string trouble_, stopped_, findings_, away_;
};

} // namespace corvid
