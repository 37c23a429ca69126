// SPDX-License-Identifier: Apache-2.0
//
// retry_schedule: what is due when: records in back-off, and deadlines. Pure: the loop says what time it is,
// and sets its one timer to next_due().
//
// Invariants: what is due comes earliest first, equal times in the order of add(); nothing comes early, and
// nothing twice. How many may wait is intake_gate's to say.
//
// Entries belong to the caller (beside the lane_record that they are for) and stay in place while pending.
// Adding and leaving cost O(log n) and, once the heap has grown, allocate nothing. Not safe for concurrent
// use.
#pragma once

#include <corvid/base/timer_queue.hpp>

#include <cstddef>

namespace corvid {

struct schedule_entry : private timer {
    schedule_entry() noexcept : timer([](work&) noexcept {}) {}
    schedule_entry(const schedule_entry&) = delete;
    schedule_entry& operator=(const schedule_entry&) = delete;
    using timer::pending;
    /// When it was added for; meaningful once it was.
    [[nodiscard]] steady_time due_at() const noexcept { return due; }

private:
    friend class retry_schedule;
};

class retry_schedule {
public:
    /// `entry` is not pending.
    void add(steady_time when, schedule_entry& entry) { queue_.add(when, entry); }
    /// Takes it out again; false if it was not pending.
    bool cancel(schedule_entry& entry) noexcept { return queue_.remove(entry); }

    /// The earliest of those due at `now`, taken out; null if none is.
    [[nodiscard]] schedule_entry* pop_due(steady_time now) noexcept {
        return queue_.due_at(now) ? static_cast<schedule_entry*>(&queue_.pop()) : nullptr;
    }

    /// When to look again; none while nothing is pending.
    [[nodiscard]] std::optional<steady_time> next_due() const noexcept {
        return queue_.empty() ? std::nullopt : std::optional(queue_.next_due());
    }
    [[nodiscard]] std::size_t size() const noexcept { return queue_.size(); }
    [[nodiscard]] bool empty() const noexcept { return queue_.empty(); }

private:
    timer_queue queue_;
};

} // namespace corvid
