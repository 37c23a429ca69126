// SPDX-License-Identifier: Apache-2.0
//
// tally: what is counted of flights, for each carrier: of what the publisher read, of a batch of punctuality,
// of what the database has in the end.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace flights {

struct carrier_tally {
    std::int64_t flights = 0;
    std::int64_t cancelled = 0;
    std::int64_t arrived = 0; ///< with an arrival delay
    std::int64_t on_time = 0; ///< less than 15 minutes late
    std::int64_t arrival_delay_minutes = 0;
    std::int64_t without_tail_number = 0;

    bool operator==(const carrier_tally&) const = default;
    carrier_tally& operator+=(const carrier_tally& other) noexcept {
        flights += other.flights;
        cancelled += other.cancelled;
        arrived += other.arrived;
        on_time += other.on_time;
        arrival_delay_minutes += other.arrival_delay_minutes;
        without_tail_number += other.without_tail_number;
        return *this;
    }
};

struct tally {
    std::map<std::string, carrier_tally, std::less<>> carriers;

    bool operator==(const tally&) const = default;

    void add(std::string_view carrier, bool has_tail_number, bool cancelled, std::optional<int> delay) {
        auto found = carriers.find(carrier);
        if (found == carriers.end()) found = carriers.try_emplace(std::string(carrier)).first;
        carrier_tally& of = found->second;
        ++of.flights;
        of.cancelled += cancelled;
        of.without_tail_number += !has_tail_number;
        if (!delay) return;
        ++of.arrived;
        of.on_time += *delay < 15;
        of.arrival_delay_minutes += *delay;
    }
    [[nodiscard]] carrier_tally total() const noexcept {
        carrier_tally sum;
        for (const auto& [code, figures] : carriers)
            sum += figures;
        return sum;
    }
};

} // namespace flights
