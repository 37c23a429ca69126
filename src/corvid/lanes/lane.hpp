// SPDX-License-Identifier: Apache-2.0
//
// lane: the records in flight that must run one after the other: those of one key, or of one partition. It
// exists from its first record to its last.
//
//   absent ─add─▶ ready ─take─▶ running ─finish, records left─▶ ready (behind all that are ready)
//                                │  ▲  └─finish, none left─▶ absent
//                             block │
//                                ▼  │ take_front (a retry, a dead letter, parking)
//                               blocked ─unblock─▶ ready
//
// Read it anywhere on the owner's thread; only lane_set changes it.
#pragma once

#include <corvid/lanes/lane_record.hpp>

namespace corvid {

/// One cache line.
class alignas(64) lane {
public:
    enum class state : std::uint8_t { ready, running, blocked };

    [[nodiscard]] state now() const noexcept { return state_; }
    /// The oldest record: the one at work, in back-off, or next.
    [[nodiscard]] const lane_record& front() const noexcept { return *head_; }
    [[nodiscard]] lane_record& front() noexcept { return *head_; }
    [[nodiscard]] const lane_record& back() const noexcept { return *tail_; }
    /// Of all its records, those at work among them.
    [[nodiscard]] std::size_t length() const noexcept { return length_; }
    [[nodiscard]] std::size_t at_work() const noexcept { return at_work_; }
    /// Its work has been at one record for long: what stands behind that waits.
    [[nodiscard]] bool is_stalled() const noexcept { return stalled_; }
    /// Some of its records were counted as waiting (intake_gate) since it began.
    [[nodiscard]] bool has_waited() const noexcept { return has_waited_; }
    /// The key's hash, mixed: what to choose a worker by.
    [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }

private:
    friend class lane_set;
    friend class lane_table;
    friend class lane_pool;
    friend class intake_gate;
    friend class ready_list;

    lane_record* head_ = nullptr;
    lane_record* tail_ = nullptr;
    lane* next_ = nullptr; // in the round of ready lanes, or among the pool's free ones
    lane* previous_ = nullptr;
    std::uint64_t hash_ = 0;
    std::uint32_t scope_ = 0;
    std::uint32_t length_ = 0;
    std::uint32_t at_work_ = 0; // that many from the front
    bool keyed_ : 1 = false;
    bool stalled_ : 1 = false;
    bool has_waited_ : 1 = false;
    bool mixed_ : 1 = false; // it had records of several assignments
    state state_ = state::ready;
    assignment newest_{}; // the last record's
};
static_assert(sizeof(lane) == 64);

} // namespace corvid
