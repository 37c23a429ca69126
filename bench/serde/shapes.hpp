// SPDX-License-Identifier: Apache-2.0
//
// The two messages of the serde bench, and the arms' common face.
#pragma once

#include <corvid/message/message.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace corvid::bench {

/// Flat, as the demo's flights are: 12 members, some of them absent.
struct flight {
    std::int64_t row = 0;
    std::chrono::sys_seconds scheduled{};
    std::optional<std::int32_t> departure_time;
    std::optional<double> departure_delay;
    std::optional<double> arrival_delay;
    std::string carrier;
    std::int32_t number = 0;
    std::optional<std::string> tail_number;
    std::string origin;
    std::string destination;
    std::optional<double> air_time;
    double distance = 0;
    bool operator==(const flight&) const = default;
};
CORVID_MESSAGE(flight,
               (row, scheduled, departure_time, departure_delay, arrival_delay, carrier, number, tail_number,
                origin, destination, air_time, distance),
               .topic = "air.flight.reported", .key = &flight::tail_number);

struct passenger {
    std::string name;
    std::string email;
    std::int32_t miles = 0;
    bool operator==(const passenger&) const = default;
};
CORVID_VALUE(passenger, (name, email, miles));

struct leg {
    std::string carrier;
    std::int32_t number = 0;
    std::string origin;
    std::string destination;
    std::vector<std::string> seats;
    double fare = 0;
    bool operator==(const leg&) const = default;
};
CORVID_VALUE(leg, (carrier, number, origin, destination, seats, fare));

/// Nested: an object, and a list of objects that hold lists. Texts have escapes and letters beyond ASCII.
struct booking {
    std::int64_t id = 0;
    passenger buyer;
    std::vector<leg> legs;
    bool confirmed = false;
    std::string remark;
    bool operator==(const booking&) const = default;
};
CORVID_MESSAGE(booking, (id, buyer, legs, confirmed, remark), .topic = "air.booking.made");

/// Functions of the row alone.
[[nodiscard]] flight make_flight(std::uint64_t row);
[[nodiscard]] booking make_booking(std::uint64_t row);

/// One way to read and write a T. read() takes what it did not fill from nobody: `to` is reused from call to
/// call.
template <class T>
struct codec {
    virtual ~codec() = default;
    [[nodiscard]] virtual bool read(std::string_view json, T& to) = 0;
    /// Overwrites `to`.
    [[nodiscard]] virtual bool write(const T& from, std::string& to) = 0;
};

template <class T>
[[nodiscard]] std::unique_ptr<codec<T>> corvid_codec();
template <class T>
[[nodiscard]] std::unique_ptr<codec<T>> simdjson_codec(); ///< reads only
template <class T>
[[nodiscard]] std::unique_ptr<codec<T>> nlohmann_codec();
template <class T>
[[nodiscard]] std::unique_ptr<codec<T>> boost_codec();

} // namespace corvid::bench
