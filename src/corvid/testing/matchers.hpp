// SPDX-License-Identifier: Apache-2.0
//
// GoogleMock matchers for what a world saw. Needs GoogleMock, which corvid itself does not link.
//
//   EXPECT_THAT(world.topic<invoice_issued>(), each_once());                          no record twice
//   EXPECT_THAT(world.topic<invoice_issued>(), each_once(&invoice_issued::number));   none by that member
//   EXPECT_THAT(world.handled("billing.invoices"), in_order_by_key());
//   EXPECT_THAT(world.topic<invoice_issued>(), contains_key("N14228"));
//   EXPECT_THAT(order, is_dead_lettered(world, "billing.invoices"));
//
// What does not hold is explained with the seed of the world.
#pragma once

#include <corvid/testing/world.hpp>

#include <gmock/gmock.h>

#include <algorithm>
#include <concepts>
#include <functional>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

namespace corvid::testing {

namespace detail {

/// Two records are the same where this is: by their event id, else by key and bytes.
inline std::string identity_of(const kept_record& r) {
    if (const auto id = r.header(wire::idempotency_key)) return "event id " + *id;
    return "key " + r.key.value_or("(none)") + ", value " + r.value.value_or("(none)");
}
inline std::string identity_of(const handled_record& r) {
    return r.group + ' ' + to_string(r.where) + '@' + std::to_string(r.offset.value);
}

inline std::string lane_of(const kept_record& r) { return r.key.value_or(to_string(r.where)); }
inline std::string lane_of(const handled_record& r) {
    return r.group + ' ' + r.key.value_or(to_string(r.where));
}
inline std::pair<topic_partition, std::int64_t> order_of(const handled_record& r) {
    return {r.where, r.offset.value};
}

template <class E, class Projection>
decltype(auto) project(const E& e, Projection& by) {
    if constexpr (std::invocable<Projection&, const E&>)
        return std::invoke(by, e);
    else
        return std::invoke(by, *e);
}

template <class E>
std::string place_of(const E& e) {
    return to_string(e.where) + '@' + std::to_string(e.offset.value);
}

template <class All>
std::string seed_of(const All& all) {
    if constexpr (requires { all.seed; }) return " (world of seed " + std::to_string(all.seed) + ')';
    return {};
}

/// In one key each step may go back to any earlier one, as what is delivered again does, but must not leave
/// one out.
template <class All, class Order>
bool check_order(const All& all, Order order, ::testing::MatchResultListener& listener) {
    using element = std::remove_cvref_t<decltype(*all.begin())>;
    using place = std::remove_cvref_t<decltype(order(*all.begin()))>;
    std::map<std::string, std::vector<const element*>> lanes;
    for (const element& each : all)
        lanes[lane_of(each)].push_back(&each);
    for (const auto& [key, its] : lanes) {
        std::set<place> passed, distinct;
        for (const element* each : its)
            distinct.insert(order(*each));
        auto next = distinct.begin();
        for (const element* each : its) {
            if (passed.contains(order(*each))) continue;
            if (order(*each) != *next) {
                listener << "of key " << key << " the record at " << place_of(*each)
                         << " came before an earlier one" << seed_of(all);
                return false;
            }
            passed.insert(*next++);
        }
    }
    return true;
}

} // namespace detail

/// Nothing is there twice: of a topic no two records with one event id (without ids: one key and bytes), of
/// what was handled no record that came to a final outcome twice.
MATCHER(each_once, negation ? "has something twice" : "has each record once") {
    std::map<std::string, std::string> first;
    for (const auto& each : arg) {
        if constexpr (requires { each.is_final(); })
            if (!each.is_final()) continue;
        const auto [at, fresh] = first.emplace(
            detail::identity_of(each), to_string(each.where) + '@' + std::to_string(each.offset.value));
        if (fresh) continue;
        *result_listener << "whose record at " << at->second << " came again at " << detail::place_of(each)
                         << ": " << at->first << detail::seed_of(arg);
        return false;
    }
    return true;
}

/// No two elements give the same `by` of the message (a member, or a function of message or element).
MATCHER_P(each_once, by, negation ? "has something twice" : "has each once by what was asked for") {
    std::map<std::decay_t<decltype(detail::project(*arg.begin(), by))>, std::string> first;
    for (const auto& each : arg) {
        const auto [at, fresh] = first.emplace(detail::project(each, by), detail::place_of(each));
        if (fresh) continue;
        *result_listener << "whose record at " << detail::place_of(each) << " repeats "
                         << ::testing::PrintToString(at->first) << " of " << at->second
                         << detail::seed_of(arg);
        return false;
    }
    return true;
}

/// Of what was handled: the records of each key in the order of their offsets. One that was delivered again
/// may come again, and those behind it; none may be passed over.
MATCHER(in_order_by_key, negation ? "has a key out of order" : "has each key in order") {
    return detail::check_order(
        arg, [](const auto& each) { return detail::order_of(each); }, *result_listener);
}

/// The same by a member or function that counts up within each key.
MATCHER_P(in_order_by_key, by, negation ? "has a key out of order" : "has each key in order") {
    return detail::check_order(
        arg, [this](const auto& each) { return detail::project(each, this->by); }, *result_listener);
}

MATCHER_P(contains_key, key,
          std::string(negation ? "has no" : "has a") + " record of key " + std::string(key)) {
    if (std::ranges::any_of(arg, [&](const auto& each) { return each.key == std::string(key); })) return true;
    *result_listener << "without it" << detail::seed_of(arg);
    return false;
}

/// Of one record: its last header of that name has that text.
MATCHER_P2(has_header, name, value,
           std::string(negation ? "has not " : "has ") + "header " + std::string(name) + ": " +
               ::testing::PrintToString(value)) {
    const auto found = arg.header(name);
    *result_listener << "whose " << name << " is " << found.value_or("not there");
    return found && ::testing::Matches(value)(*found);
}

/// Of a message: it lies in the dead letter topic of the group, with its own bytes. `world` outlives the
/// matcher.
MATCHER_P2(is_dead_lettered_in, world, group,
           std::string(negation ? "is not" : "is") + " among the dead letters of " + std::string(group)) {
    const corvid::testing::world& w = world;
    using message = std::remove_cvref_t<decltype(arg)>;
    byte_buffer bytes;
    if (!json::encode(arg, bytes)) return false;
    const auto letters = w.template dead_letters<message>(group);
    *result_listener << "there are " << letters.size() << " dead letters" << detail::seed_of(letters);
    return std::ranges::any_of(letters, [&](const auto& each) { return each.value == bytes.text(); });
}

template <class World>
auto is_dead_lettered(const World& in, std::string group) {
    return is_dead_lettered_in(std::cref(in), std::move(group));
}

} // namespace corvid::testing
