// SPDX-License-Identifier: Apache-2.0
#include <bench/peers/flight_simdjson.hpp>

#include <simdjson.h>

#include <array>
#include <cstring>
#include <utility>
#include <vector>

namespace corvid::bench {
namespace {

namespace od = simdjson::ondemand;

constexpr int depth_limit = 64;
constexpr std::array<std::string_view, 13> names{
    "row",    "year",        "month",           "day",           "carrier",  "flight_number", "tail_number",
    "origin", "destination", "departure_delay", "arrival_delay", "distance", "cancelled"};
constexpr unsigned all_members = (1U << names.size()) - 1;

bool walk(od::value ignored, int depth);

bool walk_array(od::array items, int depth) {
    for (auto item : items) {
        od::value inner;
        if (item.get(inner) || !walk(inner, depth + 1)) return false;
    }
    return true;
}

bool walk_object(od::object members, int depth) {
    for (auto member : members) {
        std::string_view key;
        od::value inner;
        if (member.unescaped_key().get(key) || member.value().get(inner) || !walk(inner, depth + 1))
            return false;
    }
    return true;
}

/// On-demand parsing skips what nobody asks for, so an ignored value is read to be checked.
bool walk(od::value ignored, int depth) {
    if (depth > depth_limit) return false;
    od::json_type type{};
    if (ignored.type().get(type)) return false;
    switch (type) {
    case od::json_type::array: {
        od::array items;
        return !ignored.get_array().get(items) && walk_array(items, depth);
    }
    case od::json_type::object: {
        od::object members;
        return !ignored.get_object().get(members) && walk_object(members, depth);
    }
    case od::json_type::number:
        return !ignored.get_number().error();
    case od::json_type::string:
        return !ignored.get_string().error();
    case od::json_type::boolean:
        return !ignored.get_bool().error();
    case od::json_type::null:
        return !ignored.is_null().error();
    }
    return false;
}

bool take(od::value source, std::int64_t& target) { return !source.get_int64().get(target); }

bool take(od::value source, std::int32_t& target) {
    std::int64_t wide = 0;
    if (source.get_int64().get(wide)) return false;
    target = static_cast<std::int32_t>(wide);
    return wide == target;
}

bool take(od::value source, double& target) { return !source.get_double().get(target); }

bool take(od::value source, bool& target) { return !source.get_bool().get(target); }

bool take(od::value source, std::string& target) {
    std::string_view text;
    if (source.get_string().get(text)) return false;
    target.assign(text);
    return true;
}

bool take_member(std::size_t index, od::value value, flight& into) {
    switch (index) {
    case 0:
        return take(value, into.row);
    case 1:
        return take(value, into.year);
    case 2:
        return take(value, into.month);
    case 3:
        return take(value, into.day);
    case 4:
        return take(value, into.carrier);
    case 5:
        return take(value, into.flight_number);
    case 6:
        return take(value, into.tail_number);
    case 7:
        return take(value, into.origin);
    case 8:
        return take(value, into.destination);
    case 9:
        return take(value, into.departure_delay);
    case 10:
        return take(value, into.arrival_delay);
    case 11:
        return take(value, into.distance);
    case 12:
        return take(value, into.cancelled);
    default:
        return walk(value, 2);
    }
}

/// The member's index (names.size(): none of ours). Looked for first where the writer's order puts it, as raw
/// bytes; a name with escapes, or out of order, goes the longer way. False: the name is not valid.
bool index_of(od::field& member, std::size_t expected, std::size_t& index) {
    index = expected;
    if (expected < names.size() && member.key().unsafe_is_equal(names[expected])) return true;
    std::string_view key;
    if (member.unescaped_key().get(key)) return false;
    for (index = 0; index < names.size() && names[index] != key;)
        ++index;
    return true;
}

bool take_members(od::object members, flight& into) {
    unsigned seen = 0;
    std::size_t expected = 0;
    for (auto found : members) {
        od::field member;
        std::size_t index = 0;
        if (std::move(found).get(member) || !index_of(member, expected, index)) return false;
        if (!take_member(index, member.value(), into)) return false;
        if (index < names.size()) {
            seen |= 1U << index;
            expected = index + 1;
        }
    }
    return seen == all_members;
}

} // namespace

struct flight_reader::state {
    od::parser parser;
    std::vector<char> padded;
};

flight_reader::flight_reader() : state_(std::make_unique<state>()) {}
flight_reader::~flight_reader() = default;

bool flight_reader::read(const void* payload, std::size_t size, flight& into) {
    auto& padded = state_->padded;
    if (padded.size() < size + simdjson::SIMDJSON_PADDING)
        padded.resize(2 * size + simdjson::SIMDJSON_PADDING);
    std::memcpy(padded.data(), payload, size);
    od::document document;
    od::object members;
    if (state_->parser.iterate(padded.data(), size, padded.size()).get(document)) return false;
    if (document.get_object().get(members) || !take_members(members, into)) return false;
    return document.current_location().error() == simdjson::OUT_OF_BOUNDS; // nothing follows the object
}

} // namespace corvid::bench
