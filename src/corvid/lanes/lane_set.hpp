// SPDX-License-Identifier: Apache-2.0
//
// lane_set: which records may run. Owned by one loop; it knows neither handlers nor time.
//
//   add(record) ──▶ its key's lane ──take()──▶ a run: up to 256 records of one lane ──▶ finish or block
//
// Invariants
//   - A key's records run one run at a time and in the order of add(); keys are compared by their bytes.
//   - That holds through rebalances: a run keeps its lane until finish() or block(), whatever was revoked
//   meanwhile, and records of the next assignment wait behind it.
//   - A lane that is ready is taken before any lane that became ready after it.
//   - A lane that is blocked delays its own records alone.
//   - Nothing is kept of a key without records.
//
// `unordered` has no lanes to hold: a run's records leave the set with take(), run.of is null, and a record
// that failed is added again when it is due.
//
// Not safe for concurrent use. Costs a few hash probes a record; allocates only when the lanes in flight grow
// to twice what they were, and gives back what they no longer need. Preconditions are asserted.
#pragma once

#include <corvid/lanes/detail/lane_table.hpp>
#include <corvid/model/position.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace corvid {

/// Consecutive records of one lane and one assignment, linked by next().
struct lane_run {
    static constexpr std::size_t most = 256;
    lane* of = nullptr; ///< null where unordered
    lane_record* first = nullptr;
    std::size_t count = 0;
    [[nodiscard]] bool empty() const noexcept { return count == 0; }
};

/// The round of ready lanes: first in, first out.
class ready_list {
public:
    [[nodiscard]] lane* front() const noexcept { return head_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// In its lanes.
    [[nodiscard]] std::size_t records() const noexcept { return records_; }
    void one_more() noexcept { ++records_; }
    void one_less() noexcept { --records_; }
    void push(lane& one) noexcept;
    void remove(lane& one) noexcept;
    /// Asks for the memory of what is taken next: the first lane's record, and the lane behind it.
    void prefetch() const noexcept;

private:
    lane* head_ = nullptr;
    lane* tail_ = nullptr;
    std::size_t size_ = 0;
    std::size_t records_ = 0;
};

class lane_set {
public:
    explicit lane_set(order how) noexcept : order_(how) {}
    lane_set(const lane_set&) = delete;
    lane_set& operator=(const lane_set&) = delete;
    /// Forgets the records that are still in it.
    ~lane_set();

    /// Appends the record to its lane, which it answers: its state and length tell whether the record can run
    /// soon. Strong exception guarantee.
    lane& add(lane_record& record);
    /// Asks for the memory that add() of these will touch, all of it at once: lanes and the records in them
    /// have often left the cache.
    void foresee(std::span<const lane_record* const> records) const noexcept;

    /// Adds a record that a handler has been at already: its lane, which it begins, is at work with it.
    /// Precondition: find() has none. Not for unordered. Strong exception guarantee.
    lane& add_at_work(lane_record& record);
    /// The record joins those at work in that lane, which is all of it.
    void join_work(lane& running, lane_record& record);
    /// The lane that the record would join; null when it would begin one.
    [[nodiscard]] const lane* find(const lane_record& record) const noexcept {
        return table_.find(identity_of(record));
    }
    [[nodiscard]] lane* find(const lane_record& record) noexcept { return table_.find(identity_of(record)); }

    /// The first of the ready lanes goes to work on its first records; an empty run when none is ready.
    [[nodiscard]] lane_run take(std::size_t most = lane_run::most) noexcept;
    /// A blocked lane goes to work on its first records now.
    [[nodiscard]] lane_run take_front(lane& blocked, std::size_t most = lane_run::most) noexcept;

    /// The first `n` records at work are over (done, or durably elsewhere): they leave, and are the caller's.
    /// At least one stays at work: the last leave with finish().
    void complete(lane& running, std::size_t n) noexcept;
    /// Only the first `n` (1 or more) stay at work, the others wait again: nobody may be touching them.
    void narrow(lane& running, std::size_t n) noexcept;
    /// The work is over and with it the first `n` records: what is left is ready, behind all lanes that are.
    /// A lane without records ends; answers false then, and `running` is no more.
    bool finish(lane& running, std::size_t n) noexcept;
    /// The work is over, no record with it, and none may run until unblock() or take_front().
    void block(lane& running) noexcept;
    /// Until the work is over, or told otherwise.
    void stall(lane& running, bool is_stalled) noexcept { running.stalled_ = is_stalled; }
    /// A blocked lane is ready again.
    void unblock(lane& blocked) noexcept;

    /// `by` takes the place, and all figures, of `old`, which no handler is at. The
    /// caller has set `by.key` to the same key's bytes elsewhere: what the record was copied to.
    void replace(lane_record& old, lane_record& by) noexcept;

    /// Takes out what waits and is of `which`; what is at work stays until it is finished. Lanes that this
    /// empties end, blocked ones too; one whose first record goes is not blocked any more. O(records in the
    /// set).
    [[nodiscard]] record_chain revoke(assignment which) noexcept;

    [[nodiscard]] order ordering() const noexcept { return order_; }
    [[nodiscard]] bool empty() const noexcept { return table_.size() == 0; }
    [[nodiscard]] std::size_t lanes() const noexcept { return table_.size(); }
    [[nodiscard]] std::size_t ready() const noexcept { return ready_.size(); }
    /// Records that take() would give now, called until it has none.
    [[nodiscard]] std::size_t ready_records() const noexcept { return ready_.records(); }
    /// Records in it, those at work among them.
    [[nodiscard]] std::size_t records() const noexcept { return records_; }
    /// What it holds of memory beside the records.
    [[nodiscard]] std::size_t bytes() const noexcept;

    /// The lane that begins with this record, to put aside what pins a frontier; null when none does.
    /// O(lanes).
    [[nodiscard]] lane* beginning_with(assignment from, offset which) const noexcept;

    /// f(const lane&) on each, in no order: for the watchdog. O(lanes).
    template <class F>
    void for_each(F&& f) const {
        table_.for_each([&](const lane& one) { f(one); });
    }

private:
    [[nodiscard]] lane_table::identity identity_of(const lane_record& record) const noexcept;
    [[nodiscard]] static std::uint32_t of_one_assignment(const lane& one, std::size_t most) noexcept;
    [[nodiscard]] lane_run start(lane& one, std::size_t most) noexcept;
    [[nodiscard]] lane_run take_unordered(lane& one, std::size_t most) noexcept;
    void become_ready(lane& one) noexcept;
    void end(lane& one) noexcept;
    void link(lane& to, lane_record& record) noexcept;
    void drop(lane& from, std::size_t n) noexcept;
    void unlink(lane_record& record) noexcept;

    order order_;
    lane_table table_;
    lane_pool pool_;
    ready_list ready_;
    std::size_t records_ = 0;
};

} // namespace corvid
