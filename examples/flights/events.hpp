// SPDX-License-Identifier: Apache-2.0
//
// The events of the demo, as they travel: what left New York in 2013, and the planes and airlines behind it.
#pragma once

#include <corvid/message/message.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace flights {

/// One row of flights.csv. Times without a date are local, as hours * 100 + minutes.
struct flight_reported {
    std::int64_t row = 0; ///< its number in the file, from 1
    std::chrono::year_month_day date{};
    std::string carrier;
    int flight = 0;
    std::optional<std::string> tail_number;
    std::string origin, destination;
    std::chrono::sys_seconds scheduled_hour{}; ///< of the departure, cut to the hour
    int scheduled_departure = 0, scheduled_arrival = 0;
    std::optional<int> departure, arrival; ///< no departure: cancelled
    std::optional<int> departure_delay_minutes, arrival_delay_minutes, air_minutes;
    int distance_miles = 0;
};
CORVID_MESSAGE(flight_reported,
               (row, date, carrier, flight, tail_number, origin, destination, scheduled_hour,
                scheduled_departure, scheduled_arrival, departure, arrival, departure_delay_minutes,
                arrival_delay_minutes, air_minutes, distance_miles),
               .topic = "air.flight.reported", .key = &flight_reported::tail_number);

/// Of each flight that was reported without a departure.
struct flight_cancelled {
    std::int64_t row = 0; ///< as of the flight
    std::chrono::year_month_day date{};
    std::string carrier;
    int flight = 0;
    std::optional<std::string> tail_number;
    std::string origin, destination;
    int scheduled_departure = 0;
};
CORVID_MESSAGE(flight_cancelled,
               (row, date, carrier, flight, tail_number, origin, destination, scheduled_departure),
               .topic = "air.flight.cancelled", .key = &flight_cancelled::tail_number);

struct plane {
    std::string tail_number;
    std::optional<int> built;
    std::string type, manufacturer, model;
    int engines = 0, seats = 0;
    std::optional<int> cruise_mph;
    std::string engine;
};
CORVID_MESSAGE(plane, (tail_number, built, type, manufacturer, model, engines, seats, cruise_mph, engine),
               .topic = "air.planes", .key = &plane::tail_number);

struct airline {
    std::string carrier, name;
};
CORVID_MESSAGE(airline, (carrier, name), .topic = "air.airlines", .key = &airline::carrier);

/// Header of every record of the demo: the run that sent it. Topics may hold records of other runs.
inline constexpr std::string_view run_header = "flights-run";

} // namespace flights
