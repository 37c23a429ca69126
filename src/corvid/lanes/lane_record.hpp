// SPDX-License-Identifier: Apache-2.0
//
// lane_record: a record as lanes/ sees it: what it may run beside, where it stands, what it weighs. The
// caller owns it (inside its own record, a batch's array or a pool) and keeps it in place while it is in a
// lane; lanes/ only links it, so that adding, running and finishing a record allocates nothing.
#pragma once

#include <corvid/lanes/assignment.hpp>
#include <corvid/model/bytes.hpp>

#include <cstddef>
#include <cstdint>

namespace corvid {

class lane;

/// What may run beside what: one record a key at a time · one a partition · all of them.
enum class order : std::uint8_t { by_key, by_partition, unordered };
inline constexpr order by_key = order::by_key;
inline constexpr order by_partition = order::by_partition;
inline constexpr order unordered = order::unordered;

/// The budget of intake_gate that a record is counted in.
enum class budget : std::uint8_t { none, runnable, waiting };

struct lane_record {
    assignment from;
    std::int64_t offset = 0;
    /// The record's key or what an extractor made of it, alive until the record has left its lane. Null: the
    /// record is ordered by its partition.
    optional_bytes key;
    std::uint64_t hash =
        0; ///< of `key`, and of it alone; that different keys share one costs time, never order
    /// Within what the key is one: the partition's number, or one number for all the partitions that an
    /// extractor's keys span.
    std::uint32_t scope = 0;
    std::uint32_t bytes = 0; ///< what it holds of memory

    [[nodiscard]] const lane* in() const noexcept { return lane_; }
    [[nodiscard]] lane* in() noexcept { return lane_; }
    /// The record behind it in its lane, or in the chain that revoke() answered.
    [[nodiscard]] lane_record* next() const noexcept { return next_; }
    [[nodiscard]] budget counted_as() const noexcept { return budget_; }

private:
    friend class lane_set;
    friend class intake_gate;
    friend class record_chain;
    lane* lane_ = nullptr;
    lane_record* next_ = nullptr;
    lane_record* previous_ = nullptr;
    budget budget_ = budget::none;
};

/// Records that left their lanes together, oldest first within each lane. Owns nothing.
class record_chain {
public:
    [[nodiscard]] bool empty() const noexcept { return head_ == nullptr; }
    /// The first, which is then in no chain; null when there is none.
    lane_record* pop() noexcept {
        lane_record* const first = head_;
        if (!first) return nullptr;
        head_ = first->next_;
        first->next_ = nullptr;
        return first;
    }

private:
    friend class lane_set;
    void push(lane_record& r) noexcept {
        (tail_ ? tail_->next_ : head_) = &r;
        tail_ = &r;
        r.next_ = nullptr;
    }

    lane_record* head_ = nullptr;
    lane_record* tail_ = nullptr;
};

} // namespace corvid
