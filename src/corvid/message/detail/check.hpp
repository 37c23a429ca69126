// SPDX-License-Identifier: Apache-2.0
//
// The checks behind CORVID_MESSAGE, CORVID_VALUE and CORVID_ENUM: each mistake is one error that says what to
// do. The compiler names the struct, the member and its type in the line above it.
#pragma once

#include <corvid/message/mapping.hpp>
#include <corvid/message/options.hpp>

#include <boost/pfr/tuple_size.hpp>

#include <algorithm>

namespace corvid::reflect {

/// A text as a template argument, so that compilers print it.
template <std::size_t N>
struct text {
    char value[N]{};
};

template <class T, std::size_t I>
constexpr auto member_text() noexcept {
    constexpr std::string_view name = member_at<T, I>::name;
    text<name.size() + 1> result;
    std::ranges::copy(name, result.value);
    return result;
}

/// One member: Struct.Name of type Member, which is or holds Type.
template <class Struct, text Name, class Member, class Type>
struct member_can_be_mapped {
    static constexpr kind is = kind_of<Member>;
    static_assert(
        is != kind::borrowed,
        "corvid: this member borrows what it points to; a message owns its members: use std::string, "
        "std::vector or a value");
    static_assert(is != kind::undeclared_struct,
                  "corvid: this member's struct is not declared: put CORVID_VALUE(Type, (members)) after it");
    static_assert(is != kind::undeclared_enum,
                  "corvid: this member's enum is not declared: put CORVID_ENUM(Type, enumerators) after it");
    static_assert(is != kind::nested_optional,
                  "corvid: this member is an optional of an optional: absent and null read alike");
    static_assert(is != kind::key_not_text, "corvid: this member is a map whose key is not std::string");
    static_assert(is != kind::unmappable, "corvid: this member's type has no mapping to a message");
};

template <class Struct, text Name, class Variant>
struct alternatives_can_be_told_apart {
    static_assert(distinct_wire_names(tag<Variant>{}), "corvid: two alternatives of this variant have the "
                                                       "same name on the wire: wrap one in a CORVID_VALUE");
};

template <class T, std::size_t Listed, std::size_t Actual>
struct member_list_is_complete {
    static_assert(Listed >= Actual, "corvid: a member is missing from the list (Listed is less than Actual)");
    static_assert(Listed <= Actual,
                  "corvid: the list names more members than the struct has: one stands there twice");
};

template <class T, std::size_t I>
constexpr auto check_member() noexcept {
    using member = member_type<T, I>;
    using pointed = std::remove_cvref_t<decltype(member_at<T, I>::pointer)>;
    static_assert(std::is_member_object_pointer_v<pointed>, "corvid: the list may name data members only");
    constexpr auto name = member_text<T, I>();
    (void)sizeof(member_can_be_mapped<T, name, member, typename shape<member>::leaf>);
    if constexpr (kind_of<member> == kind::variant)
        (void)sizeof(alternatives_can_be_told_apart<T, name, member>);
}

template <class T>
constexpr bool names_are_distinct() noexcept {
    auto names = member_names<T>;
    std::ranges::sort(names);
    return std::ranges::adjacent_find(names) == names.end();
}

constexpr bool is_key_kind(kind is) noexcept {
    return is == kind::text || is == kind::integer || is == kind::boolean || is == kind::enumeration ||
           is == kind::uuid;
}

template <class T>
struct unwrap_optional {
    using type = T;
};
template <class T>
struct unwrap_optional<std::optional<T>> {
    using type = T;
};

template <class T, class Options>
constexpr auto check_options(const declared<Options>&) noexcept {
    constexpr Options options = corvid_declared(tag<T>{}).options;
    static_assert(options.defaults.complete, "corvid: .defaults names a member that is not in the list");
    if constexpr (requires { options.topic; }) {
        static_assert(!options.topic.name.empty(),
                      "corvid: a message needs a topic: .topic = \"domain.entity.event\"");
        static_assert(
            options.topic.name.empty() || !options.topic.by_corvids_rule || is_topic(options.topic.name),
            "corvid: .topic must be 2 to 6 segments of [a-z0-9-] joined by dots, at most 200 characters "
            "(corvid::unchecked(\"Legacy_Name\") switches this rule off)");
        static_assert(options.topic.name.empty() || options.topic.by_corvids_rule ||
                          is_kafka_topic(options.topic.name),
                      "corvid: .topic breaks Kafka's own rule: at most 249 characters of [a-zA-Z0-9._-]");
        static_assert(options.version >= 1, "corvid: .version starts at 1");
        static_assert(!options.key.given || options.key.index != no_member,
                      "corvid: .key names a member that is not in the list");
        if constexpr (options.key.given && options.key.index != no_member) {
            using key = typename unwrap_optional<member_type<T, options.key.index>>::type;
            static_assert(
                !mappable<key> || is_key_kind(kind_of<key>),
                "corvid: .key must be text, an integer, a declared enum, a uuid, or an optional of one");
        }
    }
}

/// Converts to bases of T only: what an aggregate's first element takes it for is a base.
template <class T>
struct any_base {
    template <class U>
        requires(std::is_base_of_v<U, T> && !std::is_same_v<U, T>)
    operator U&() const;
};
template <class T>
concept HasBase = requires { T{any_base<T>{}}; };

/// Instantiated by the macros right after the struct, for its type alone: calling a function that did not
/// compile would be a second error.
template <class T>
constexpr auto check_declaration() noexcept {
    constexpr bool plain = std::is_aggregate_v<T> && !std::is_polymorphic_v<T> && !HasBase<T>;
    static_assert(plain,
                  "corvid: a message or value is a plain struct: no constructors, private members or bases");
    static_assert(
        !plain || std::is_default_constructible_v<T>,
        "corvid: a message or value must be default constructible: readers fill it member by member");
    if constexpr (plain && std::is_default_constructible_v<T>) {
        static_assert(names_are_distinct<T>(), "corvid: the list names a member twice");
        if constexpr (names_are_distinct<T>())
            (void)sizeof(member_list_is_complete<T, member_count<T>, boost::pfr::tuple_size_v<T>>);
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            (check_member<T, I>(), ...);
        }(std::make_index_sequence<member_count<T>>{});
        check_options<T>(corvid_declared(tag<T>{}));
    }
    return std::true_type{};
}

template <class E>
constexpr auto check_enum() noexcept {
    static_assert(std::is_enum_v<E>, "corvid: CORVID_ENUM takes an enum");
    static_assert(!enumerators<E>.empty(), "corvid: CORVID_ENUM needs enumerators");
    return std::true_type{};
}

} // namespace corvid::reflect
