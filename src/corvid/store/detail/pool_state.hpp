// SPDX-License-Identifier: Apache-2.0
//
// pool_state: who gets which session, and when one is opened. Pure: events come in, next() tells what to do.
// Internal.
#pragma once

#include <corvid/base/backoff.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <variant>
#include <vector>

namespace corvid::store::detail {

class pool_state {
public:
    using waiter_id = std::uint64_t;
    using slot_id = std::size_t; ///< a place for a session, below the size

    struct lend { ///< the session of `slot` goes to `to`; asked first whether it still answers
        waiter_id to;
        slot_id slot;
        bool validate;
        friend bool operator==(const lend&, const lend&) = default;
    };
    struct open { ///< open a session in `slot`, then opened() or open_failed()
        slot_id slot;
        friend bool operator==(const open&, const open&) = default;
    };
    struct wake { ///< nothing can be done before `at`: ask again then
        steady_time at;
        friend bool operator==(const wake&, const wake&) = default;
    };
    using action = std::variant<lend, open, wake>;

    pool_state(std::size_t size, duration validate_after, exponential reconnect);

    void wait(waiter_id who) { waiting_.push_back(who); }
    /// A lent session proved dead before its waiter saw it: it waits on, before all others.
    void wait_on(waiter_id who) { waiting_.push_front(who); }
    /// False if it does not wait (any more).
    bool give_up(waiter_id who);
    void opened(slot_id slot, steady_time now);
    void open_failed(slot_id slot, steady_time now, double random01);
    /// A lent session comes back, or is gone.
    void returned(slot_id slot, bool usable, steady_time now);

    /// What is possible now, all of it, once.
    [[nodiscard]] std::vector<action> next(steady_time now);

    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size(); }
    [[nodiscard]] std::size_t idle() const noexcept { return idle_.size(); }
    [[nodiscard]] std::size_t lent() const noexcept {
        return slots_ - free_.size() - opening_ - idle_.size();
    }
    [[nodiscard]] std::size_t opening() const noexcept { return opening_; }
    [[nodiscard]] int failures() const noexcept { return failures_; }

private:
    struct idle_slot {
        slot_id slot;
        steady_time since;
    };
    [[nodiscard]] bool may_open(steady_time now) const noexcept;

    std::size_t slots_;
    duration validate_after_;
    exponential reconnect_;
    std::deque<waiter_id> waiting_;
    std::vector<idle_slot> idle_; // the last one used is the first one lent: the others may rest
    std::vector<slot_id> free_;   // slots without a session
    std::size_t opening_ = 0;
    int failures_ = 0; // in a row
    steady_time retry_at_{};
};

} // namespace corvid::store::detail
