// SPDX-License-Identifier: Apache-2.0
//
// A message is a plain struct and one line:
//
//   struct flight_departed {
//       std::string tail_number, carrier, origin, destination;
//       std::chrono::sys_seconds scheduled;
//       std::optional<int> delay_minutes;
//   };
//   CORVID_MESSAGE(flight_departed, (tail_number, carrier, origin, destination, scheduled, delay_minutes),
//                  .topic = "air.flight.departed", .key = &flight_departed::tail_number, .version = 2);
//
// The line stands in the namespace of the struct, after it and outside every class and function. It lists all
// members, 52 at most. options.hpp tells what may follow the list. Mistakes are compile errors that say the
// remedy.
//
// What members may be: bool, integers, float, double, std::string, enums (CORVID_ENUM), structs
// (CORVID_VALUE), std::optional, vector, array, map and unordered_map with std::string keys, std::variant,
// std::chrono::sys_time, year_month_day and duration, corvid::uuid, corvid::decimal, std::vector<std::byte>.
//
// Reading: unknown members are ignored (and still checked). A missing member is an error unless it is an
// optional or stands in `.defaults`: then it is what T's member initialiser says. null is read by optionals
// and std::monostate only. Writing: an empty optional member is left out; inside lists and maps it is null.
#pragma once

#include <corvid/message/detail/member_list.hpp>
#include <corvid/message/traits.hpp>
#include <corvid/message/upcast.hpp>

/// CORVID_MESSAGE(T, (members…), .topic = "…", options…);
#define CORVID_MESSAGE(T, Members, ...) CORVID_DETAIL_STRUCT(message_options, T, Members, __VA_ARGS__)

/// CORVID_VALUE(T, (members…));   CORVID_VALUE(T, (members…), .defaults = {&T::a});
/// A struct that messages hold; it must stand before them.
#define CORVID_VALUE(T, ...) \
    CORVID_DETAIL_STRUCT(value_options, T, CORVID_PP_FIRST(__VA_ARGS__, ), CORVID_PP_REST(__VA_ARGS__))

/// CORVID_ENUM(E, a, b, c);   CORVID_ENUM(E, (a, b, c));
/// Enumerators travel by name; a number that is not listed cannot be written.
#define CORVID_ENUM(E, ...) \
    CORVID_PP_CAT(CORVID_DETAIL_ENUM_LIST_, CORVID_PP_IS_LIST(__VA_ARGS__, ))(E, __VA_ARGS__)
