// SPDX-License-Identifier: Apache-2.0
//
// Boost.JSON through its DOM, in a monotonic buffer that is used again, as its manual advises for speed.
#include <corvid/message/time_point.hpp>

#include <bench/serde/shapes.hpp>
#include <boost/json/src.hpp>

namespace corvid::bench {

namespace {

namespace bj = boost::json;

std::string text_of(const bj::value& from) { return std::string(from.as_string()); }

template <class T>
T number(const bj::value& from) {
    return from.to_number<T>();
}

template <class T>
void take(const bj::object& from, std::string_view name, std::optional<T>& to) {
    const bj::value* found = from.if_contains(name);
    if (!found || found->is_null())
        to.reset();
    else if constexpr (std::is_same_v<T, std::string>)
        to = text_of(*found);
    else
        to = number<T>(*found);
}

template <class T>
void put(bj::object& to, std::string_view name, const std::optional<T>& from) {
    if (from) to.emplace(name, *from);
}

void take(const bj::object& from, flight& to) {
    value_text::instant at;
    if (!value_text::read_instant(from.at("scheduled").as_string(), at) ||
        !reflect::from_instant(at, to.scheduled))
        throw std::invalid_argument("scheduled");
    to.row = number<std::int64_t>(from.at("row"));
    take(from, "departure_time", to.departure_time);
    take(from, "departure_delay", to.departure_delay);
    take(from, "arrival_delay", to.arrival_delay);
    to.carrier = from.at("carrier").as_string();
    to.number = number<std::int32_t>(from.at("number"));
    take(from, "tail_number", to.tail_number);
    to.origin = from.at("origin").as_string();
    to.destination = from.at("destination").as_string();
    take(from, "air_time", to.air_time);
    to.distance = number<double>(from.at("distance"));
}

bj::object tree_of(const flight& from, bj::storage_ptr memory) {
    std::string scheduled;
    value_text::instant at;
    if (!reflect::to_instant(from.scheduled, at) || !value_text::append_instant(scheduled, at, 0))
        throw std::invalid_argument("scheduled");
    bj::object to(std::move(memory));
    to.reserve(12);
    to.emplace("row", from.row);
    to.emplace("scheduled", scheduled);
    put(to, "departure_time", from.departure_time);
    put(to, "departure_delay", from.departure_delay);
    put(to, "arrival_delay", from.arrival_delay);
    to.emplace("carrier", from.carrier);
    to.emplace("number", from.number);
    put(to, "tail_number", from.tail_number);
    to.emplace("origin", from.origin);
    to.emplace("destination", from.destination);
    put(to, "air_time", from.air_time);
    to.emplace("distance", from.distance);
    return to;
}

void take(const bj::object& from, booking& to) {
    to.id = number<std::int64_t>(from.at("id"));
    const bj::object& buyer = from.at("buyer").as_object();
    to.buyer.name = buyer.at("name").as_string();
    to.buyer.email = buyer.at("email").as_string();
    to.buyer.miles = number<std::int32_t>(buyer.at("miles"));
    const bj::array& legs = from.at("legs").as_array();
    to.legs.resize(legs.size());
    for (std::size_t i = 0; i < legs.size(); ++i) {
        const bj::object& each = legs[i].as_object();
        to.legs[i].carrier = each.at("carrier").as_string();
        to.legs[i].number = number<std::int32_t>(each.at("number"));
        to.legs[i].origin = each.at("origin").as_string();
        to.legs[i].destination = each.at("destination").as_string();
        const bj::array& seats = each.at("seats").as_array();
        to.legs[i].seats.resize(seats.size());
        for (std::size_t j = 0; j < seats.size(); ++j)
            to.legs[i].seats[j] = seats[j].as_string();
        to.legs[i].fare = number<double>(each.at("fare"));
    }
    to.confirmed = from.at("confirmed").as_bool();
    to.remark = from.at("remark").as_string();
}

bj::object tree_of(const booking& from, const bj::storage_ptr& memory) {
    bj::array legs(memory);
    for (const leg& each : from.legs)
        legs.emplace_back(bj::object({{"carrier", each.carrier},
                                      {"number", each.number},
                                      {"origin", each.origin},
                                      {"destination", each.destination},
                                      {"seats", bj::array(each.seats.begin(), each.seats.end(), memory)},
                                      {"fare", each.fare}},
                                     memory));
    return bj::object(
        {{"id", from.id},
         {"buyer", {{"name", from.buyer.name}, {"email", from.buyer.email}, {"miles", from.buyer.miles}}},
         {"legs", std::move(legs)},
         {"confirmed", from.confirmed},
         {"remark", from.remark}},
        memory);
}

template <class T>
class by_boost final : public codec<T> {
    bool read(std::string_view text, T& to) override try {
        bj::monotonic_resource memory(buffer_, sizeof buffer_);
        take(bj::parse(text, &memory).as_object(), to);
        return true;
    } catch (const std::exception&) {
        return false;
    }
    bool write(const T& from, std::string& to) override try {
        bj::monotonic_resource memory(buffer_, sizeof buffer_);
        to = bj::serialize(tree_of(from, &memory));
        return true;
    } catch (const std::exception&) {
        return false;
    }
    unsigned char buffer_[16 * 1024];
};

} // namespace

template <class T>
std::unique_ptr<codec<T>> boost_codec() {
    return std::make_unique<by_boost<T>>();
}
template std::unique_ptr<codec<flight>> boost_codec();
template std::unique_ptr<codec<booking>> boost_codec();

} // namespace corvid::bench
