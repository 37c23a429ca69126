// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace corvid::bench {

/// The typed event of the consume bench: a plain aggregate, every member required, in this order on the wire.
struct flight {
    std::int64_t row = 0; ///< the record's number: row % keys is its key, row / keys its place within the key
    std::int32_t year = 0;
    std::int32_t month = 0;
    std::int32_t day = 0;
    std::string carrier;
    std::int32_t flight_number = 0;
    std::string tail_number;
    std::string origin;
    std::string destination;
    double departure_delay = 0; ///< minutes
    double arrival_delay = 0;   ///< minutes
    std::int32_t distance = 0;  ///< miles
    bool cancelled = false;
};

/// The flight of that row, a function of the row alone.
[[nodiscard]] flight make_flight(std::uint64_t row);

/// Compact JSON into `text`, which is overwritten.
void write_flight(const flight& source, std::string& text);

/// Proof that members were read: a sum over rows that every typed arm must reach.
struct flight_sum {
    std::int64_t distance = 0;
    std::int64_t cancelled = 0;
    double delay = 0;

    void add(const flight& taken) {
        distance += taken.distance;
        cancelled += taken.cancelled ? 1 : 0;
        delay += taken.arrival_delay;
    }
    [[nodiscard]] bool operator==(const flight_sum&) const = default;
};

/// The sum over rows 0 … count - 1. Delays are multiples of 1/4 minute, so the order of addition does not
/// matter.
[[nodiscard]] flight_sum expected_sum(std::uint64_t count);

} // namespace corvid::bench
