// SPDX-License-Identifier: Apache-2.0
//
// intake_gate: whether more may be taken of a partition, and if not, why. Two budgets, never one:
//
//   runnable   records that may run now, or do         count and bytes, a subscription
//   waiting    records that may not: in back-off, behind a blocked key, deep behind a busy one, parked in
//              memory                                   bytes, a subscription
//
// A full runnable budget stops the intake, but of partitions that hold less than their equal share of its
// count: whoever was fetched first does not keep the keys of the others from the handlers, and the count
// stays below twice the budget. Full in bytes stops all. It empties as handlers finish. A full waiting budget
// stops only the partitions that add to it, each until it has nothing waiting or the budget is down to 7/8: a
// partition whose keys are all well goes on. While it is full no partition may hold more than its equal share
// of the runnable budget, so that what can still turn into waiting is bounded: all in all no more than twice
// the runnable budget on top of the waiting one.
//
// Every record is in one budget at most, and it knows in which: counting twice, or not at all, is no state.
// Intake alone is gated: what was taken always runs. Not safe for concurrent use; allocates nothing after
// the first record of a partition.
#pragma once

#include <corvid/base/result.hpp>
#include <corvid/lanes/lane_record.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace corvid {

struct intake_settings {
    std::size_t runnable_records = 8'192;               ///< at least 1
    std::size_t runnable_bytes = std::size_t{64} << 20; ///< at least 1
    std::size_t waiting_bytes = std::size_t{64} << 20;  ///< at least 1

    /// errc::invalid_setting, naming the member.
    [[nodiscard]] result<void> validate() const;
};

/// Why nothing is taken of a partition; the first that holds, in this order. For /health and metrics.
enum class intake_stop : std::uint8_t {
    open,             ///< it is taken
    closing,          ///< the service stops
    revoking,         ///< the group takes the partition back
    failed,           ///< a record stopped the partition, and waits for an operator
    window_full,      ///< max_uncommitted: a record pins the frontier
    waiting_bytes,    ///< its records fill what may wait
    runnable_records, ///< handlers are behind
    runnable_bytes,   ///< handlers are behind
    runnable_share,   ///< the waiting budget is full, and it holds its share of the runnable one
    held_back,        ///< by the subscription: an open circuit breaker, a rate limit, a full bulkhead
};
[[nodiscard]] std::string_view to_string(intake_stop why) noexcept; ///< a sentence
[[nodiscard]] std::string_view label_of(intake_stop why) noexcept;  ///< the enumerator's name

class intake_gate {
public:
    explicit intake_gate(const intake_settings& settings) noexcept : settings_(settings) {}

    /// The partitions that share the runnable budget while the waiting one is full: those assigned.
    void share_between(std::size_t partitions) noexcept { partitions_ = partitions; }

    /// A record was taken in, or may run again.
    void runnable(lane_record& record);
    /// It waits from now on; also for one just taken in that goes to a blocked lane, or deep (more than a
    /// run) into any lane.
    void waiting(lane_record& record);
    /// It has left: done, durably elsewhere, or revoked. Nothing if it was not counted.
    void leave(lane_record& record) noexcept;

    /// Whether a batch of `partition` may be taken: `open`, or why not.
    [[nodiscard]] intake_stop why_stopped(std::uint32_t partition) const noexcept;
    [[nodiscard]] bool may_take(std::uint32_t partition) const noexcept {
        return why_stopped(partition) == intake_stop::open;
    }

    /// Stops and goes on from without: `why` is revoking, failed or window_full; each holds by itself.
    void hold(std::uint32_t partition, intake_stop why);
    void let_go(std::uint32_t partition, intake_stop why) noexcept;
    /// For good: nothing is taken any more.
    void close() noexcept { closed_ = true; }

    struct figures {
        std::size_t runnable_records = 0, runnable_bytes = 0, waiting_records = 0, waiting_bytes = 0;
        friend bool operator==(const figures&, const figures&) = default;
    };
    [[nodiscard]] const figures& total() const noexcept { return total_; }
    [[nodiscard]] figures of(std::uint32_t partition) const noexcept;

private:
    struct partition_state {
        figures count;
        std::uint8_t held = 0;     // a bit for each intake_stop from without
        bool adds_to_full = false; // added to the waiting budget when that was full
    };
    [[nodiscard]] partition_state& state_of(std::uint32_t partition);
    [[nodiscard]] intake_stop runnable_stop(const partition_state& p) const noexcept;
    [[nodiscard]] bool is_waiting_full() const noexcept {
        return total_.waiting_bytes >= settings_.waiting_bytes;
    }
    void remove(figures& from, const lane_record& record) const noexcept;
    void reopen() noexcept;

    intake_settings settings_;
    std::vector<partition_state> by_partition_;
    std::size_t partitions_ = 1;
    figures total_;
    std::size_t stopped_ = 0; // partitions with adds_to_full
    bool closed_ = false;
};

} // namespace corvid
