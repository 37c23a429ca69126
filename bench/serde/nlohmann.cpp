// SPDX-License-Identifier: Apache-2.0
//
// nlohmann::json through its DOM, as its users write it: values by at() and get_to().
#include <corvid/message/time_point.hpp>

#include <bench/serde/shapes.hpp>
#include <nlohmann/json.hpp>

namespace corvid::bench {

namespace {

using dom = nlohmann::ordered_json;

template <class T>
void take(const dom& from, const char* name, std::optional<T>& to) {
    const auto found = from.find(name);
    if (found == from.end() || found->is_null())
        to.reset();
    else
        to = found->template get<T>();
}

template <class T>
void put(dom& to, const char* name, const std::optional<T>& from) {
    if (from) to[name] = *from;
}

void take(const dom& from, flight& to) {
    value_text::instant at;
    if (!value_text::read_instant(from.at("scheduled").get_ref<const std::string&>(), at) ||
        !reflect::from_instant(at, to.scheduled))
        throw std::invalid_argument("scheduled");
    from.at("row").get_to(to.row);
    take(from, "departure_time", to.departure_time);
    take(from, "departure_delay", to.departure_delay);
    take(from, "arrival_delay", to.arrival_delay);
    from.at("carrier").get_to(to.carrier);
    from.at("number").get_to(to.number);
    take(from, "tail_number", to.tail_number);
    from.at("origin").get_to(to.origin);
    from.at("destination").get_to(to.destination);
    take(from, "air_time", to.air_time);
    from.at("distance").get_to(to.distance);
}

dom tree_of(const flight& from) {
    std::string scheduled;
    value_text::instant at;
    if (!reflect::to_instant(from.scheduled, at) || !value_text::append_instant(scheduled, at, 0))
        throw std::invalid_argument("scheduled");
    dom to{{"row", from.row}, {"scheduled", std::move(scheduled)}};
    put(to, "departure_time", from.departure_time);
    put(to, "departure_delay", from.departure_delay);
    put(to, "arrival_delay", from.arrival_delay);
    to["carrier"] = from.carrier;
    to["number"] = from.number;
    put(to, "tail_number", from.tail_number);
    to["origin"] = from.origin;
    to["destination"] = from.destination;
    put(to, "air_time", from.air_time);
    to["distance"] = from.distance;
    return to;
}

void take(const dom& from, booking& to) {
    from.at("id").get_to(to.id);
    const dom& buyer = from.at("buyer");
    buyer.at("name").get_to(to.buyer.name);
    buyer.at("email").get_to(to.buyer.email);
    buyer.at("miles").get_to(to.buyer.miles);
    const dom& legs = from.at("legs");
    to.legs.resize(legs.size());
    for (std::size_t i = 0; i < legs.size(); ++i) {
        legs[i].at("carrier").get_to(to.legs[i].carrier);
        legs[i].at("number").get_to(to.legs[i].number);
        legs[i].at("origin").get_to(to.legs[i].origin);
        legs[i].at("destination").get_to(to.legs[i].destination);
        legs[i].at("seats").get_to(to.legs[i].seats);
        legs[i].at("fare").get_to(to.legs[i].fare);
    }
    from.at("confirmed").get_to(to.confirmed);
    from.at("remark").get_to(to.remark);
}

dom tree_of(const booking& from) {
    dom legs = dom::array();
    for (const leg& each : from.legs)
        legs.push_back({{"carrier", each.carrier},
                        {"number", each.number},
                        {"origin", each.origin},
                        {"destination", each.destination},
                        {"seats", each.seats},
                        {"fare", each.fare}});
    return {{"id", from.id},
            {"buyer", {{"name", from.buyer.name}, {"email", from.buyer.email}, {"miles", from.buyer.miles}}},
            {"legs", std::move(legs)},
            {"confirmed", from.confirmed},
            {"remark", from.remark}};
}

template <class T>
class by_nlohmann final : public codec<T> {
    bool read(std::string_view text, T& to) override try {
        take(dom::parse(text), to);
        return true;
    } catch (const std::exception&) {
        return false;
    }
    bool write(const T& from, std::string& to) override try {
        to = tree_of(from).dump();
        return true;
    } catch (const std::exception&) {
        return false;
    }
};

} // namespace

template <class T>
std::unique_ptr<codec<T>> nlohmann_codec() {
    return std::make_unique<by_nlohmann<T>>();
}
template std::unique_ptr<codec<flight>> nlohmann_codec();
template std::unique_ptr<codec<booking>> nlohmann_codec();

} // namespace corvid::bench
