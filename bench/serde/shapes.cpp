// SPDX-License-Identifier: Apache-2.0
#include <bench/serde/shapes.hpp>

#include <array>

namespace corvid::bench {

namespace {

constexpr std::array<std::string_view, 6> carriers{"UA", "AA", "B6", "DL", "EV", "MQ"};
constexpr std::array<std::string_view, 8> airports{"EWR", "LGA", "JFK", "IAH", "MIA", "BQN", "ATL", "ORD"};

template <std::size_t N>
std::string pick(const std::array<std::string_view, N>& from, std::uint64_t number) {
    return std::string(from[number % N]);
}

} // namespace

flight make_flight(std::uint64_t row) {
    flight made;
    made.row = static_cast<std::int64_t>(row);
    made.scheduled = std::chrono::sys_seconds(std::chrono::seconds(1'357'035'300 + 60 * row));
    if (row % 40 != 7) { // else it never left
        made.departure_time = static_cast<std::int32_t>(row * 7 % 2400);
        made.departure_delay = static_cast<double>(row * 13 % 240) - 20;
        made.arrival_delay = static_cast<double>(row * 17 % 240) - 30.5;
        made.air_time = static_cast<double>(60 + row * 3 % 300);
    }
    made.carrier = pick(carriers, row);
    made.number = static_cast<std::int32_t>(row * 31 % 6000);
    if (row % 100 != 9) made.tail_number = "N" + std::to_string(10'000 + row * 11 % 89'999);
    made.origin = pick(airports, row);
    made.destination = pick(airports, row / 3 + 1);
    made.distance = static_cast<double>(200 + row * 19 % 2500);
    return made;
}

booking make_booking(std::uint64_t row) {
    booking made;
    made.id = static_cast<std::int64_t>(row * 1'000'003);
    made.buyer = {row % 3 == 0 ? "Zoë Müller-Łukasz" : "Jane Q. Public",
                  "traveller" + std::to_string(row) + "@example.org",
                  static_cast<std::int32_t>(row * 977 % 2'000'000)};
    for (std::uint64_t i = 0; i < 1 + row % 4; ++i) {
        const std::string seat = std::to_string(1 + (row + i) % 40);
        made.legs.push_back({pick(carriers, row + i),
                             static_cast<std::int32_t>(100 + row % 5000),
                             pick(airports, row + i),
                             pick(airports, row + i + 1),
                             {seat + "A", seat + "B"},
                             99.5 + static_cast<double>(row % 700)});
    }
    made.confirmed = row % 5 != 0;
    made.remark = row % 8 == 0 ? "asked for \"window\"\nand aisle" : "none";
    return made;
}

} // namespace corvid::bench
