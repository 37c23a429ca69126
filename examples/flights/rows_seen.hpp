// SPDX-License-Identifier: Apache-2.0
//
// rows_seen: which rows were handled, for states in memory, where delivery is at least once. Shared by the
// instances, any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace flights {

class rows_seen {
public:
    explicit rows_seen(std::int64_t rows) : rows_(rows), bits_(static_cast<std::size_t>(rows / 64 + 1)) {}

    [[nodiscard]] bool has(std::int64_t row) const noexcept { return row >= 1 && row <= rows_; }
    /// Notes a row that has() and answers whether it had been noted before.
    [[nodiscard]] bool was_seen(std::int64_t row) noexcept {
        const std::uint64_t bit = std::uint64_t{1} << (row % 64);
        return (bits_[static_cast<std::size_t>(row / 64)].fetch_or(bit, std::memory_order_relaxed) & bit) !=
               0;
    }
    /// One more row is in a tally; whoever reads the count sees what was written to that tally before.
    void counted() noexcept { count_.fetch_add(1, std::memory_order_release); }
    [[nodiscard]] std::int64_t count() const noexcept { return count_.load(std::memory_order_acquire); }

private:
    std::int64_t rows_;
    std::vector<std::atomic<std::uint64_t>> bits_;
    std::atomic<std::int64_t> count_{0};
};

} // namespace flights
