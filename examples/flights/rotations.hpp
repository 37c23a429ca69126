// SPDX-License-Identifier: Apache-2.0
//
// rotations: follows each aircraft through its flights by tail number, in the order of `row`; a flight
// without one is rejected, to the dead letter topic of the group. What is kept is shared by the instances: a
// rebalance may hand an aircraft from one to another in the middle of its year. Beside it, what only counts:
// the dead letters and the cancellations.
#pragma once

#include "events.hpp"
#include "rows_seen.hpp"
#include <corvid/message/envelope.hpp>
#include <corvid/model/outcome.hpp>

#include <array>
#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>

namespace flights {

/// Where every aircraft is in its year. Any thread.
class fleet {
public:
    explicit fleet(std::int64_t rows) : seen_(rows) {}

    /// The next flight of an aircraft. A row that comes again is passed over, as delivery is at least once;
    /// one that comes for the first time behind a later one of its aircraft is out of order.
    void follow(std::string_view tail_number, std::int64_t row);

    [[nodiscard]] bool has(std::int64_t row) const noexcept { return seen_.has(row); }
    /// Flights, each once.
    [[nodiscard]] std::int64_t followed() const noexcept { return seen_.count(); }
    [[nodiscard]] std::int64_t order_violations() const noexcept { return violations_; }
    [[nodiscard]] std::int64_t aircraft() const;

private:
    struct shard {
        mutable std::mutex mutex;
        std::unordered_map<std::string, std::int64_t> last_rows;
    };
    std::array<shard, 16> shards_;
    rows_seen seen_;
    std::atomic<std::int64_t> violations_{0};
};

/// The flights that were given up, by where they came from. Any thread.
class dead_letters {
public:
    explicit dead_letters(std::string run) : run_(std::move(run)) {}

    [[nodiscard]] corvid::outcome handle(const corvid::received<flight_reported>& letter);

    /// Distinct source positions.
    [[nodiscard]] std::int64_t count() const;
    /// How many of them say of themselves that they have a tail number: none should.
    [[nodiscard]] std::int64_t wrong() const noexcept { return wrong_; }

private:
    std::string run_;
    mutable std::mutex mutex_;
    std::set<std::tuple<std::string, std::string, std::string>> sources_; // topic, partition, offset
    std::atomic<std::int64_t> wrong_{0};
};

/// The cancelled flights that came back from the broker, each once: the relay sends at least once. Any
/// thread.
class cancellations {
public:
    cancellations(std::string run, std::int64_t rows) : run_(std::move(run)), seen_(rows) {}

    [[nodiscard]] corvid::outcome handle(const corvid::received<flight_cancelled>& event);

    [[nodiscard]] std::int64_t count() const noexcept { return seen_.count(); }
    [[nodiscard]] std::int64_t misplaced() const noexcept { return misplaced_; }

private:
    std::string run_;
    rows_seen seen_;
    std::atomic<std::int64_t> misplaced_{0};
};

class rotations {
public:
    /// Follows the records of `run`; `of` outlives this object.
    rotations(std::string run, fleet& of) : run_(std::move(run)), fleet_(of) {}

    [[nodiscard]] corvid::outcome handle(const corvid::received<flight_reported>& flight);

private:
    std::string run_;
    fleet& fleet_;
};

} // namespace flights
