// SPDX-License-Identifier: Apache-2.0
//
// punctuality: the handler's state of one instance of the service. Delivery is at least once, so each row is
// counted once, whichever instance saw it first.
#pragma once

#include "events.hpp"
#include "tally.hpp"
#include <corvid/message/envelope.hpp>
#include <corvid/model/outcome.hpp>

#include <atomic>
#include <string>
#include <vector>

namespace flights {

/// Which rows were handled; shared by the instances, any thread.
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

/// Times in milliseconds; those of a minute and more fall together.
class latencies {
public:
    void add(std::chrono::milliseconds time) noexcept;
    latencies& operator+=(const latencies& other) noexcept;
    /// The time that `share` of all stay within.
    [[nodiscard]] std::chrono::milliseconds quantile(double share) const noexcept;

private:
    std::vector<std::int64_t> counts_ = std::vector<std::int64_t>(60'001);
    std::int64_t all_ = 0;
};

class punctuality {
public:
    /// Counts the records of `run`; `seen` and `clock` outlive this object.
    punctuality(std::string run, rows_seen& seen, corvid::scheduler& clock)
        : run_(std::move(run)), seen_(seen), clock_(clock) {}

    [[nodiscard]] corvid::outcome handle(const corvid::received<flight_reported>& flight);

    // What was counted: for those who ask when the service has stopped.
    tally counted;
    latencies times;
    std::int64_t repeated = 0;  ///< delivered again
    std::int64_t of_others = 0; ///< of other runs
    std::int64_t misplaced = 0; ///< with a key that is not the tail number, or a row that was never sent

private:
    std::string run_;
    rows_seen& seen_;
    corvid::scheduler& clock_;
};

} // namespace flights
