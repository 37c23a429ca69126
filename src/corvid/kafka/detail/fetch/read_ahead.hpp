// SPDX-License-Identifier: Apache-2.0
//
// read_ahead: what librdkafka holds ready of a partition, and when to tell it that there is room again. Once
// all partitions that a broker leads have as much waiting as they may, its thread sleeps, up to 2.1 for as
// long as a second, and nothing that is taken wakes it: a consumer that is quicker than its limits allow
// stands still between two fills. From 2.2.0 on it looks by itself after fetch.queue.backoff.ms (librdkafka
// #2879).
//
// A plain value: no clock, no thread, no librdkafka.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace corvid::kafka {

class read_ahead {
public:
    /// Fetching rests while so much waits: queued.min.messages, queued.max.messages.kbytes.
    struct limits {
        std::size_t records = SIZE_MAX;
        std::size_t bytes = SIZE_MAX;
    };

    /// No limits: nothing is ever asked for.
    read_ahead() noexcept = default;
    explicit read_ahead(const limits& most) noexcept
        : refill_{.records = part_of(most.records), .bytes = part_of(most.bytes)} {}

    /// `records` of `bytes` together (their values) were taken, `left` still wait. True when what waits has
    /// fallen below three quarters of a limit, after it had reached that: whoever fetches must be woken. How
    /// large those are that wait is guessed by those that were taken.
    [[nodiscard]] bool taken(std::size_t records, std::size_t bytes, std::size_t left) noexcept {
        if (records == 0) return false;
        const std::size_t each = bytes / records;
        each_ = each_ == 0 ? each : (3 * each_ + each) / 4;
        was_full_ |= is_full(left + records);
        if (!was_full_ || is_full(left)) return false;
        was_full_ = false;
        return true;
    }

private:
    /// So that some is there while more comes.
    static constexpr std::size_t part_of(std::size_t limit) noexcept {
        return limit == SIZE_MAX ? SIZE_MAX : std::max<std::size_t>(1, limit - limit / 4);
    }
    [[nodiscard]] bool is_full(std::size_t records) const noexcept {
        return records >= refill_.records || records * each_ >= refill_.bytes;
    }

    limits refill_;
    std::size_t each_ = 0; ///< bytes of a record, in the mean of the last takes
    bool was_full_ = false;
};

} // namespace corvid::kafka
