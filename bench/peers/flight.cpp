// SPDX-License-Identifier: Apache-2.0
#include <bench/peers/flight.hpp>

#include <array>
#include <cstdio>

namespace corvid::bench {
namespace {

constexpr std::array<const char*, 8> carriers{"UA", "AA", "B6", "DL", "EV", "MQ", "US", "WN"};
constexpr std::array<const char*, 3> origins{"EWR", "LGA", "JFK"};
constexpr std::array<const char*, 8> destinations{"IAH", "MIA", "BQN", "ATL", "ORD", "FLL", "IAD", "MCO"};

std::int32_t small(std::uint64_t value) { return static_cast<std::int32_t>(value); }

} // namespace

flight make_flight(std::uint64_t row) {
    const std::uint64_t mixed = (row + 1) * 0x9E3779B97F4A7C15ULL >> 20;
    char tail[8];
    std::snprintf(tail, sizeof tail, "N%05u", static_cast<unsigned>(mixed % 90'000 + 10'000));
    return flight{
        .row = static_cast<std::int64_t>(row),
        .year = 2013,
        .month = small(mixed % 12 + 1),
        .day = small(mixed % 28 + 1),
        .carrier = carriers[mixed % carriers.size()],
        .flight_number = small(mixed % 8'000 + 1),
        .tail_number = tail,
        .origin = origins[mixed % origins.size()],
        .destination = destinations[(mixed >> 3) % destinations.size()],
        .departure_delay = static_cast<double>(small(mixed % 400) - 80) / 4.0,
        .arrival_delay = static_cast<double>(small((mixed >> 5) % 800) - 200) / 4.0,
        .distance = small(mixed % 4'900 + 80),
        .cancelled = mixed % 41 == 0,
    };
}

void write_flight(const flight& source, std::string& text) {
    char buffer[512];
    const int size = std::snprintf(
        buffer, sizeof buffer,
        "{\"row\":%lld,\"year\":%d,\"month\":%d,\"day\":%d,\"carrier\":\"%s\",\"flight_number\":%d,"
        "\"tail_number\":\"%s\",\"origin\":\"%s\",\"destination\":\"%s\",\"departure_delay\":%.2f,"
        "\"arrival_delay\":%.2f,\"distance\":%d,\"cancelled\":%s}",
        static_cast<long long>(source.row), source.year, source.month, source.day, source.carrier.c_str(),
        source.flight_number, source.tail_number.c_str(), source.origin.c_str(), source.destination.c_str(),
        source.departure_delay, source.arrival_delay, source.distance, source.cancelled ? "true" : "false");
    text.assign(buffer, static_cast<std::size_t>(size));
}

flight_sum expected_sum(std::uint64_t count) {
    flight_sum sum;
    for (std::uint64_t row = 0; row < count; ++row)
        sum.add(make_flight(row));
    return sum;
}

} // namespace corvid::bench
