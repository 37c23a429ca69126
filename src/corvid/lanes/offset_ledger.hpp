// SPDX-License-Identifier: Apache-2.0
//
// offset_ledger: up to where everything of one partition is done. The only judge of what may be committed.
//
//   frontier()            end()
//   ▼                     ▼
//   ●○○●●○○○○○●○○○○○○○○○○○ · · ·        ○ unfinished  ● done       before frontier(): done, all of it
//
// A ring of bits, one an offset, grows by doubling up to the window and allocates at no other time. The
// ledger never infers: an offset is done because mark() or skip_to() said so, a gap too. A complete gap
// wider than a few words costs no bits, so that no gap, however wide, uses up the window.
//
// Invariants
//   - frontier() never moves back within an epoch, and never past an offset that nobody said is done.
//   - The offset at frontier() is unfinished, unless frontier() == end().
//   - What carries another epoch changes nothing.
//
// Not safe for concurrent use. Marks allocate nothing and do not throw.
#pragma once

#include <corvid/base/result.hpp>
#include <corvid/lanes/assignment.hpp>
#include <corvid/model/position.hpp>

#include <bit>
#include <cstdint>
#include <optional>
#include <vector>

namespace corvid {

/// What the owner must do when the window is full: take nothing more of this partition until the pinning
/// record is done, and raise the alarm · put the pinning record durably aside and mark it.
enum class when_window_full : std::uint8_t { stop_partition, park_oldest };

struct ledger_settings {
    /// Offsets between the frontier and the end of what was taken; at least 1. Bounds what is delivered again
    /// after a crash, and the ledger's memory: 1 bit each.
    std::int64_t max_uncommitted = 1 << 20;
    when_window_full when_full = when_window_full::stop_partition;

    /// errc::invalid_setting, naming the member.
    [[nodiscard]] result<void> validate() const;
};

class offset_ledger {
public:
    explicit offset_ledger(const ledger_settings& settings) noexcept : settings_(settings) {}

    /// The partition is this member's from `next` on (its position, or the first record's offset where no
    /// position is known); what was before is forgotten.
    void assign(epoch since, offset next) noexcept;
    /// It is no more: no mark counts until the next assign(). Gives the memory back.
    void revoke() noexcept;
    [[nodiscard]] bool is_assigned() const noexcept { return epoch_ != epoch::none; }

    /// The offsets from end() up to `to` will be marked. As many as the window has room for are taken, from
    /// the front; answers the new end().
    offset track_to(offset to);
    /// The caller knows that nothing between end() and `to` will ever be marked: it is done. Needs no room.
    void skip_to(offset to);

    /// `which` is done; answers 1, or 0 where that changed nothing: done already, not tracked, another epoch.
    std::int64_t mark(epoch since, offset which) noexcept {
        if (since != epoch_) [[unlikely]]
            return 0;
        const std::uint64_t place =
            skips_.empty() ? static_cast<std::uint64_t>(which.value - shift_) : place_of(which);
        if (place - base_ >= end_ - base_) return 0;
        std::uint64_t& word = word_of(place);
        const std::uint64_t bit = std::uint64_t{1} << (place & 63U);
        if (word & bit) return 0;
        word |= bit;
        --unfinished_;
        if (place == base_) advance();
        return 1;
    }
    /// The same for `count` offsets from `first`; answers how many of them changed.
    std::int64_t mark(epoch since, offset first, std::int64_t count) noexcept;

    /// The offset to commit: the next one to read. None while the partition is not assigned.
    [[nodiscard]] std::optional<offset> frontier() const noexcept {
        return is_assigned() ? std::optional(base_offset()) : std::nullopt;
    }
    [[nodiscard]] offset end() const noexcept {
        return offset(static_cast<std::int64_t>(end_) + end_shift());
    }
    [[nodiscard]] std::int64_t unfinished() const noexcept { return unfinished_; }
    /// How many offsets may be tracked yet.
    [[nodiscard]] std::int64_t room() const noexcept {
        return settings_.max_uncommitted - static_cast<std::int64_t>(end_ - base_);
    }

    struct pin {
        offset by; ///< the record that keeps the frontier where it is
        when_window_full then;
    };
    /// Set while the window has no more room than `spare`: what to do about it, and whose fault it is.
    [[nodiscard]] std::optional<pin> pinned(std::int64_t spare = 0) const noexcept {
        return is_assigned() && room() <= spare ? std::optional(pin{base_offset(), settings_.when_full})
                                                : std::nullopt;
    }

private:
    // A complete gap that has no bits: offsets [from, to) lie between the places at - 1 and at.
    struct skip {
        std::int64_t from, to;
        std::uint64_t at;
        [[nodiscard]] std::int64_t shift() const noexcept { return to - static_cast<std::int64_t>(at); }
    };
    [[nodiscard]] offset base_offset() const noexcept {
        return offset(static_cast<std::int64_t>(base_) + shift_);
    }
    [[nodiscard]] std::int64_t end_shift() const noexcept {
        return skips_.empty() ? shift_ : skips_.back().shift();
    }
    [[nodiscard]] std::uint64_t& word_of(std::uint64_t place) noexcept {
        return ring_.data()[(place >> 6U) & (ring_.size() - 1)];
    }
    [[nodiscard]] std::uint64_t place_of(offset which) const noexcept;
    [[nodiscard]] std::vector<skip>::const_iterator behind(std::int64_t which) const noexcept;
    std::int64_t set(std::uint64_t place, std::int64_t count) noexcept;
    void advance() noexcept;
    void leave_skips() noexcept;
    void make_room_for(std::uint64_t places);

    ledger_settings settings_;
    epoch epoch_ = epoch::none;
    // Places are offsets less the gaps that have no bits. [base_, end_) have bits, all others in the ring
    // are 0.
    std::uint64_t base_ = 0, end_ = 0;
    std::int64_t shift_ = 0; // of the place base_: its offset less itself
    std::int64_t unfinished_ = 0;
    std::vector<std::uint64_t> ring_; // a power of two of words, or none
    std::vector<skip> skips_;         // those from left_ on lie behind base_; empty when there is none
    std::size_t left_ = 0;
};

} // namespace corvid
