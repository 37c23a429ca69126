// SPDX-License-Identifier: Apache-2.0
//
// simdjson on-demand by hand, with corvid's checks: one copy into a padded buffer, members in any order and
// once each, unknown ones walked to 64 levels, ranges, missing members, nothing behind the document. Members
// are looked for where the writer's order puts them first.
#include <simdjson.h>

#include <corvid/message/time_point.hpp>

#include <bench/serde/shapes.hpp>

#include <array>
#include <cstring>

namespace corvid::bench {

namespace {

namespace od = simdjson::ondemand;

bool walk(od::value ignored, int depth) {
    od::json_type type{};
    if (depth > 64 || ignored.type().get(type)) return false;
    if (type == od::json_type::array) {
        od::array items;
        if (ignored.get_array().get(items)) return false;
        for (auto item : items) {
            od::value inner;
            if (item.get(inner) || !walk(inner, depth + 1)) return false;
        }
        return true;
    }
    if (type == od::json_type::object) {
        od::object members;
        if (ignored.get_object().get(members)) return false;
        for (auto member : members) {
            std::string_view key;
            od::value inner;
            if (member.unescaped_key().get(key) || member.value().get(inner) || !walk(inner, depth + 1))
                return false;
        }
        return true;
    }
    double number = 0;
    bool truth = false;
    std::string_view text;
    switch (type) {
    case od::json_type::number:
        return !ignored.get_double().get(number);
    case od::json_type::string:
        return !ignored.get_string().get(text);
    case od::json_type::boolean:
        return !ignored.get_bool().get(truth);
    default:
        return !ignored.is_null().get(truth) && truth;
    }
}

bool take(od::value from, std::int64_t& to) { return !from.get_int64().get(to); }
bool take(od::value from, double& to) { return !from.get_double().get(to); }
bool take(od::value from, bool& to) { return !from.get_bool().get(to); }

bool take(od::value from, std::int32_t& to) {
    std::int64_t wide = 0;
    if (from.get_int64().get(wide)) return false;
    to = static_cast<std::int32_t>(wide);
    return wide == to;
}

bool take(od::value from, std::string& to) {
    std::string_view text;
    if (from.get_string().get(text)) return false;
    to.assign(text);
    return true;
}

bool take(od::value from, std::chrono::sys_seconds& to) {
    std::string_view text;
    value_text::instant at;
    return !from.get_string().get(text) && value_text::read_instant(text, at) &&
           reflect::from_instant(at, to);
}

template <class T>
bool take(od::value from, std::optional<T>& to) {
    bool null = false;
    if (from.is_null().get(null)) return false;
    if (null) return to.reset(), true;
    return take(from, to ? *to : to.emplace());
}

bool take(od::value from, std::vector<std::string>& to);
bool take(od::value from, std::vector<leg>& to);
bool take(od::value from, passenger& to);

/// Drives `read(index, value)` for each known member; answers which were seen, or -1.
template <std::size_t N, class Read>
std::int64_t take_members(od::object members, const std::array<std::string_view, N>& names, Read read) {
    std::uint64_t seen = 0;
    std::size_t expected = 0;
    for (auto each : members) {
        od::field member;
        if (std::move(each).get(member)) return -1;
        std::size_t index = expected;
        while (index < N && !member.key().unsafe_is_equal(names[index]))
            ++index;
        if (index == N) {
            std::string_view key;
            if (member.unescaped_key().get(key)) return -1;
            for (index = 0; index < N && names[index] != key; ++index) {}
        }
        if (index == N) {
            if (!walk(member.value(), 2)) return -1;
            continue;
        }
        if ((seen >> index & 1) != 0 || !read(index, member.value())) return -1;
        seen |= std::uint64_t{1} << index;
        expected = index + 1;
    }
    return static_cast<std::int64_t>(seen);
}

bool take(od::object members, flight& to) {
    static constexpr std::array<std::string_view, 12> names{
        "row",    "scheduled",   "departure_time", "departure_delay", "arrival_delay", "carrier",
        "number", "tail_number", "origin",         "destination",     "air_time",      "distance"};
    const auto seen = take_members(members, names, [&](std::size_t index, od::value value) {
        switch (index) {
        case 0:
            return take(value, to.row);
        case 1:
            return take(value, to.scheduled);
        case 2:
            return take(value, to.departure_time);
        case 3:
            return take(value, to.departure_delay);
        case 4:
            return take(value, to.arrival_delay);
        case 5:
            return take(value, to.carrier);
        case 6:
            return take(value, to.number);
        case 7:
            return take(value, to.tail_number);
        case 8:
            return take(value, to.origin);
        case 9:
            return take(value, to.destination);
        case 10:
            return take(value, to.air_time);
        default:
            return take(value, to.distance);
        }
    });
    if (seen < 0 || (seen & 0b1011'0110'0011) != 0b1011'0110'0011) return false;
    if ((seen >> 2 & 1) == 0) to.departure_time.reset();
    if ((seen >> 3 & 1) == 0) to.departure_delay.reset();
    if ((seen >> 4 & 1) == 0) to.arrival_delay.reset();
    if ((seen >> 7 & 1) == 0) to.tail_number.reset();
    if ((seen >> 10 & 1) == 0) to.air_time.reset();
    return true;
}

bool take(od::value from, passenger& to) {
    static constexpr std::array<std::string_view, 3> names{"name", "email", "miles"};
    od::object members;
    if (from.get_object().get(members)) return false;
    return take_members(members, names, [&](std::size_t index, od::value value) {
               return index == 0   ? take(value, to.name)
                      : index == 1 ? take(value, to.email)
                                   : take(value, to.miles);
           }) == 7;
}

bool take(od::value from, leg& to) {
    static constexpr std::array<std::string_view, 6> names{"carrier",     "number", "origin",
                                                           "destination", "seats",  "fare"};
    od::object members;
    if (from.get_object().get(members)) return false;
    return take_members(members, names, [&](std::size_t index, od::value value) {
               switch (index) {
               case 0:
                   return take(value, to.carrier);
               case 1:
                   return take(value, to.number);
               case 2:
                   return take(value, to.origin);
               case 3:
                   return take(value, to.destination);
               case 4:
                   return take(value, to.seats);
               default:
                   return take(value, to.fare);
               }
           }) == 63;
}

template <class T>
bool take_list(od::value from, std::vector<T>& to) {
    od::array items;
    if (from.get_array().get(items)) return false;
    std::size_t count = 0;
    for (auto item : items) {
        od::value value;
        if (count == to.size()) to.emplace_back();
        if (item.get(value) || !take(value, to[count])) return false;
        ++count;
    }
    to.resize(count);
    return true;
}

bool take(od::value from, std::vector<std::string>& to) { return take_list(from, to); }
bool take(od::value from, std::vector<leg>& to) { return take_list(from, to); }

bool take(od::object members, booking& to) {
    static constexpr std::array<std::string_view, 5> names{"id", "buyer", "legs", "confirmed", "remark"};
    return take_members(members, names, [&](std::size_t index, od::value value) {
               switch (index) {
               case 0:
                   return take(value, to.id);
               case 1:
                   return take(value, to.buyer);
               case 2:
                   return take(value, to.legs);
               case 3:
                   return take(value, to.confirmed);
               default:
                   return take(value, to.remark);
               }
           }) == 31;
}

template <class T>
class by_hand final : public codec<T> {
    bool read(std::string_view text, T& to) override {
        if (padded_.size() < text.size() + simdjson::SIMDJSON_PADDING)
            padded_.resize(2 * text.size() + simdjson::SIMDJSON_PADDING);
        std::memcpy(padded_.data(), text.data(), text.size());
        od::document document;
        od::object members;
        if (parser_.iterate(padded_.data(), text.size(), padded_.size()).get(document)) return false;
        if (document.get_object().get(members) || !take(members, to)) return false;
        return document.current_location().error() == simdjson::OUT_OF_BOUNDS;
    }
    bool write(const T&, std::string&) override { return false; }

    od::parser parser_;
    std::vector<char> padded_;
};

} // namespace

template <class T>
std::unique_ptr<codec<T>> simdjson_codec() {
    return std::make_unique<by_hand<T>>();
}
template std::unique_ptr<codec<flight>> simdjson_codec();
template std::unique_ptr<codec<booking>> simdjson_codec();

} // namespace corvid::bench
