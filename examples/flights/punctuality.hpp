// SPDX-License-Identifier: Apache-2.0
//
// punctuality: counts the flights of each carrier in the board, every event once, whatever is published or
// delivered twice and whoever dies. Each cancelled flight leaves as an event of its own, by the outbox.
#pragma once

#include "board.hpp"
#include "events.hpp"
#include <corvid/service/service.hpp>

#include <atomic>
#include <span>
#include <string>
#include <vector>

namespace flights {

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
    static constexpr const char* group = "flights.punctuality";

    /// Counts the records of `run`, of which there are `rows`; `clock` outlives this object.
    punctuality(std::string run, std::int64_t rows, corvid::scheduler& clock)
        : run_(std::move(run)), rows_(rows), clock_(clock) {}

    /// Subscribes; what is counted goes into `on`. This object and the board outlive the service.
    void join(corvid::service& by, board& on);

    // For those who ask when the service has stopped.
    latencies times;
    std::int64_t of_others = 0; ///< records of other runs
    std::int64_t misplaced = 0; ///< with a key that is not the tail number, or a row that was never sent

private:
    using batch = std::span<const corvid::received<flight_reported>>;
    void handle(batch flights, corvid::unit_of_work& into);
    [[nodiscard]] bool is_ours(const corvid::received<flight_reported>& flight);
    void announce(const flight_reported& cancelled, corvid::unit_of_work& into) const;

    std::string run_;
    std::int64_t rows_;
    corvid::scheduler& clock_;
};

/// What one member of the group has come across, whatever has become of it since.
struct punctuality_counts {
    double partitions = 0; ///< that it has now
    std::int64_t processed = 0, duplicates = 0;
};
[[nodiscard]] punctuality_counts counts_of(corvid::service& member);

} // namespace flights
