// SPDX-License-Identifier: Apache-2.0
//
// What CORVID_MESSAGE and CORVID_VALUE take after the member list, as designated initialisers:
//
//   CORVID_MESSAGE(flight_departed, (tail_number, carrier), .topic = "air.flight.departed",
//                  .key = &flight_departed::tail_number, .version = 2, .defaults =
//                  {&flight_departed::carrier});
//
// All of it is evaluated and checked at compile time.
#pragma once

#include <corvid/message/reflect.hpp>
#include <corvid/model/topic_name.hpp>

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace corvid {

/// A topic as a message declares it. A plain text is held to corvid's rule (2 to 6 segments of [a-z0-9-]
/// joined by dots, at most 200 characters), one in corvid::unchecked() to Kafka's alone.
struct declared_topic {
    constexpr declared_topic() noexcept = default;
    constexpr declared_topic(const char* text) noexcept : name(text) {}
    constexpr declared_topic(std::string_view text) noexcept : name(text) {}
    constexpr declared_topic(unchecked_name text) noexcept : name(text.name), by_corvids_rule(false) {}

    std::string_view name{};
    bool by_corvids_rule = true;
};

/// A member of T, given as `&T::name`.
template <class T>
struct member_ref {
    constexpr member_ref() noexcept = default;
    template <class M>
    constexpr member_ref(M T::* pointer) noexcept : given(true), index(reflect::index_of<T>(pointer)) {}

    bool given = false;
    std::size_t index = reflect::no_member; ///< in T's list
};

struct all_members_t {};
/// `.defaults = corvid::all_members`
inline constexpr all_members_t all_members{};

/// Members of T, given as `{&T::a, &T::b}` or as all_members.
template <class T>
struct member_set {
    constexpr member_set() noexcept = default;
    constexpr member_set(all_members_t) noexcept : bits(~std::uint64_t{0}) {}
    constexpr member_set(std::initializer_list<member_ref<T>> list) noexcept {
        for (const member_ref<T>& each : list) {
            if (each.index == reflect::no_member)
                complete = false;
            else
                bits |= std::uint64_t{1} << each.index;
        }
    }
    [[nodiscard]] constexpr bool contains(std::size_t index) const noexcept {
        return (bits >> index & 1) != 0;
    }

    std::uint64_t bits = 0;
    bool complete = true; ///< each was in T's list
};

/// Who makes the header `idempotency_key` of a sent record.
enum class event_id_policy : std::uint8_t { none, uuid7 };
inline constexpr event_id_policy uuid7 = event_id_policy::uuid7;

/// Options of CORVID_VALUE.
template <class T>
struct value_options {
    /// Members that a payload may leave out: they keep what T's member initialisers say. (Optionals always
    /// may.)
    member_set<T> defaults = {};
};

/// Options of CORVID_MESSAGE.
template <class T>
struct message_options {
    declared_topic topic = {};
    member_ref<T> key = {}; ///< text, integer, enum, uuid, or an optional of one; none: records have no key
    int version = 1;        ///< from 1; above 1 it travels in the header `event_version`
    std::string_view event_type = {}; ///< header `event_type`, for types that share a topic; empty: none, and
                                      ///< routes read the struct's name
    event_id_policy event_id = event_id_policy::none;
    member_set<T> defaults = {}; ///< as in value_options
};

} // namespace corvid
