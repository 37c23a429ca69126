// SPDX-License-Identifier: Apache-2.0
//
// Messages that the tests of serde/json share: flat like the demo's flights, nested, and one of every kind.
#pragma once

#include <corvid/message/message.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

namespace air {

enum class status { scheduled, departed, cancelled };
CORVID_ENUM(status, scheduled, departed, cancelled);

struct flight_reported {
    std::int64_t row = 0;
    std::chrono::sys_seconds scheduled{};
    std::optional<int> departure_time;
    std::optional<double> departure_delay;
    std::optional<double> arrival_delay;
    std::string carrier;
    int flight = 0;
    std::optional<std::string> tail_number;
    std::string origin, destination;
    std::optional<double> air_time;
    double distance = 0;
    bool operator==(const flight_reported&) const = default;
};
CORVID_MESSAGE(flight_reported,
               (row, scheduled, departure_time, departure_delay, arrival_delay, carrier, flight, tail_number,
                origin, destination, air_time, distance),
               .topic = "air.flight.reported", .key = &flight_reported::tail_number);

struct leg {
    std::string origin, destination;
    int miles = 0;
    bool operator==(const leg&) const = default;
};
CORVID_VALUE(leg, (origin, destination, miles));

struct card {
    std::string number;
    bool operator==(const card&) const = default;
};
CORVID_VALUE(card, (number));

struct node {
    int value = 0;
    std::vector<node> children;
    bool operator==(const node&) const = default;
};
CORVID_VALUE(node, (value, children), .defaults = {&node::children});

struct everything {
    bool flag = false;
    std::int8_t tiny = 0;
    std::uint8_t byte = 0;
    std::int64_t wide = 0;
    std::uint64_t unsigned_wide = 0;
    float single = 0;
    double real = 0;
    std::string text;
    status state = status::scheduled;
    std::optional<leg> maybe;
    std::vector<leg> legs;
    std::vector<bool> bits;
    std::vector<std::optional<int>> holes;
    std::array<int, 3> triple{};
    std::map<std::string, double> sorted;
    std::unordered_map<std::string, std::vector<int>> lists;
    std::variant<std::monostate, card, std::string, std::int64_t, bool> payment;
    std::chrono::sys_time<std::chrono::milliseconds> at{};
    std::chrono::sys_time<std::chrono::nanoseconds> exactly{};
    std::chrono::year_month_day day{std::chrono::year(1970) / 1 / 1};
    std::chrono::milliseconds took{};
    std::chrono::duration<double> about{};
    corvid::uuid id;
    std::vector<std::byte> raw;
    corvid::decimal<2> price;
    node tree;
    bool operator==(const everything&) const = default;
};
CORVID_MESSAGE(everything,
               (flag, tiny, byte, wide, unsigned_wide, single, real, text, state, maybe, legs, bits, holes,
                triple, sorted, lists, payment, at, exactly, day, took, about, id, raw, price, tree),
               .topic = "air.test.everything", .defaults = corvid::all_members);

struct with_defaults {
    int a = 7;
    std::string b = "none";
    std::optional<int> c = 3;
    std::optional<int> d = 4;
    int e = 0;
};
CORVID_MESSAGE(with_defaults, (a, b, c, d, e), .topic = "air.test.defaults",
               .defaults = {&with_defaults::a, &with_defaults::b, &with_defaults::c});

struct leg_v1 {
    std::string from;
};
CORVID_MESSAGE(leg_v1, (from), .topic = "air.test.leg");

struct leg_v2 {
    std::string origin;
};
CORVID_MESSAGE(leg_v2, (origin), .topic = "air.test.leg", .version = 2);
CORVID_UPCAST(leg_v1, leg_v2, [](leg_v1&& old) { return leg_v2{std::move(old.from)}; });

} // namespace air
