// SPDX-License-Identifier: Apache-2.0
//
// batch_plan: when a batch is due, and how many are at work. What waits for its batch stays in its lane until
// then: an unfilled batch holds nothing, so that a revoke or a stop finds nothing to give back. Loop only.
#pragma once

#include <corvid/consume/subscription.hpp>

#include <optional>
#include <vector>

namespace corvid {

class batch_plan {
public:
    batch_plan(const batch_limits& limits, std::size_t at_once) noexcept
        : limits_(limits), at_once_(at_once) {}

    [[nodiscard]] const batch_limits& limits() const noexcept { return limits_; }
    [[nodiscard]] bool has_room() const noexcept { return at_work_ < at_once_; }
    /// Of the records at work, as they are held.
    [[nodiscard]] std::size_t bytes_at_work() const noexcept { return bytes_; }

    /// Tells how many records could go now.
    void note_ready(std::size_t records, steady_time now) noexcept {
        if (records == 0)
            since_.reset();
        else if (!since_)
            since_ = now;
    }
    /// While a partition ends nothing waits for more.
    void hurry(bool on) noexcept { hurries_ = on; }
    [[nodiscard]] bool is_late(steady_time now) const noexcept {
        return since_ && (hurries_ || now >= *since_ + limits_.within);
    }
    /// When is_late() begins to hold.
    [[nodiscard]] std::optional<steady_time> due() const noexcept {
        return since_ && has_room() ? std::optional(*since_ + limits_.within) : std::nullopt;
    }

    /// A batch of `runs` runs goes to work; answers its slot.
    [[nodiscard]] std::size_t begin(std::size_t runs, std::size_t bytes, steady_time now) {
        if (!is_late(now)) since_.reset(); // what is left over came with the last records
        ++at_work_;
        bytes_ += bytes;
        std::size_t slot = 0;
        while (slot < slots_.size() && slots_[slot].open > 0)
            ++slot;
        if (slot == slots_.size()) slots_.emplace_back();
        slots_[slot] = {.open = runs, .bytes = bytes};
        return slot;
    }
    /// One of its runs has ended.
    void ended(std::size_t slot) noexcept {
        if (--slots_[slot].open > 0) return;
        --at_work_;
        bytes_ -= slots_[slot].bytes;
    }

private:
    struct batch {
        std::size_t open = 0; ///< runs that have not ended
        std::size_t bytes = 0;
    };
    batch_limits limits_;
    std::size_t at_once_;
    std::size_t at_work_ = 0;
    std::size_t bytes_ = 0;
    std::vector<batch> slots_;
    std::optional<steady_time> since_; ///< the first of those that are ready could go
    bool hurries_ = false;
};

} // namespace corvid
