// SPDX-License-Identifier: Apache-2.0
//
// credit: how much may be in flight, and what flush() waits for. Bounding it halves a producer's CPU per
// message: what is in flight stays in the cache (performance.md 1).
//
// Three tallies: records that somebody waits for, and fire-and-forget records of two generations. flush()
// starts a new generation and waits until the old one is empty; a record carries its generation to its report
// and back. Any thread; taking and giving back are one atomic addition each.
#pragma once

#include <atomic>
#include <cstdint>

namespace corvid {

struct credit_limits {
    std::uint32_t records = 20'000;    ///< at most 8 million
    std::uint64_t bytes = 32ULL << 20; ///< at most 1 TiB
};

class credit {
public:
    enum class tally : std::uint8_t { posted_even, posted_odd, awaited };
    [[nodiscard]] static constexpr tally posted(bool generation) noexcept {
        return generation ? tally::posted_odd : tally::posted_even;
    }

    explicit credit(credit_limits limits) noexcept : limits_(limits) {}

    /// Takes credit for one record, if there is any; one record may go over the bytes, so that each gets
    /// through.
    [[nodiscard]] bool take(tally from, std::uint64_t bytes) noexcept { return take_within(from, bytes, 1); }
    /// The same up to twice the limits, for callers that must not wait.
    [[nodiscard]] bool overdraw(tally from, std::uint64_t bytes) noexcept {
        return take_within(from, bytes, 2);
    }
    void give(tally to, std::uint64_t records, std::uint64_t bytes) noexcept {
        at(to).fetch_sub(pack(records, bytes), std::memory_order_acq_rel);
    }

    void move(tally from, tally to, std::uint64_t bytes) noexcept {
        at(to).fetch_add(pack(1, bytes), std::memory_order_seq_cst);
        at(from).fetch_sub(pack(1, bytes), std::memory_order_seq_cst);
    }

    /// Those who wait go on when so little is in flight: refilling by the piece costs more than by the heap
    /// (measured).
    [[nodiscard]] bool is_low() const noexcept {
        const auto now = total();
        return records_of(now) <= limits_.records / 4 && bytes_of(now) <= limits_.bytes / 4;
    }

    [[nodiscard]] bool is_empty(tally which) const noexcept {
        return at(which).load(std::memory_order_seq_cst) == 0;
    }
    [[nodiscard]] std::uint64_t records() const noexcept { return records_of(total()); }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_of(total()); }
    [[nodiscard]] const credit_limits& limits() const noexcept { return limits_; }

private:
    // 24 bits of records above 40 bits of bytes; the sum of the tallies stays within both.
    static constexpr std::uint64_t pack(std::uint64_t records, std::uint64_t bytes) noexcept {
        return records << 40 | bytes;
    }
    static constexpr std::uint64_t records_of(std::uint64_t packed) noexcept { return packed >> 40; }
    static constexpr std::uint64_t bytes_of(std::uint64_t packed) noexcept {
        return packed & ((1ULL << 40) - 1);
    }

    [[nodiscard]] std::atomic<std::uint64_t>& at(tally t) noexcept {
        return tallies_[static_cast<std::size_t>(t)];
    }
    [[nodiscard]] const std::atomic<std::uint64_t>& at(tally t) const noexcept {
        return tallies_[static_cast<std::size_t>(t)];
    }
    [[nodiscard]] std::uint64_t total() const noexcept {
        return tallies_[0].load(std::memory_order_relaxed) + tallies_[1].load(std::memory_order_relaxed) +
               tallies_[2].load(std::memory_order_relaxed);
    }
    [[nodiscard]] bool take_within(tally from, std::uint64_t bytes, std::uint64_t times) noexcept {
        at(from).fetch_add(pack(1, bytes), std::memory_order_seq_cst);
        const auto now = total();
        if (records_of(now) <= times * limits_.records && bytes_of(now) - bytes < times * limits_.bytes)
            return true;
        give(from, 1, bytes);
        return false;
    }

    std::atomic<std::uint64_t> tallies_[3] = {};
    credit_limits limits_;
};

} // namespace corvid
