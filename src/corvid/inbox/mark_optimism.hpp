// SPDX-License-Identifier: Apache-2.0
//
// mark_optimism: which marks are probably new. Those are inserted without looking first (`on conflict` looks,
// and costs as much again); where one was there after all its primary key refuses the transaction, and it is
// written once more with care. It decides what an attempt costs, never whether an event is new. Pure.
//
// An id that this process has marked lately is no new one: the last 20,000 are remembered, by their hashes.
// After a refusal transactions are written with care for a while, longer at each: what comes from elsewhere
// (another process did it, a consumer that was set back) comes in numbers.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace corvid::inbox_detail {

class mark_optimism {
public:
    static constexpr std::uint32_t least_caution = 16;
    static constexpr std::uint32_t most_caution = 4'096;

    /// Asked once a transaction: whether it may hope at all.
    [[nodiscard]] bool may_hope() noexcept;
    /// Not one of those asked for lately. Asked once an attempt for each id, whatever comes of it: so two
    /// transactions do not hope for the same one.
    [[nodiscard]] bool seems_new(std::string_view id);
    /// What became of a transaction that hoped.
    void confirmed() noexcept;
    void refuted() noexcept;

private:
    /// Hashes with the same lowest bits, the latest first; a cache line.
    struct alignas(64) row {
        std::array<std::uint64_t, 8> hashes{};
    };
    static constexpr std::size_t rows = 8'192;

    std::vector<row> seen_; ///< once it is needed
    std::uint32_t careful_for_ = 0;
    std::uint32_t caution_ = least_caution;
    std::uint32_t confirmed_ = 0; ///< since the last refusal
};

} // namespace corvid::inbox_detail
