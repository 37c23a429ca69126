// SPDX-License-Identifier: Apache-2.0
//
// For formats and contract generators. Which C++ types a message may hold, and as what: one table of rules
// that every format follows, and why a type is not among them.
#pragma once

#include <corvid/base/ids.hpp>
#include <corvid/message/decimal.hpp>
#include <corvid/message/reflect.hpp>

#include <array>
#include <chrono>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <variant>
#include <vector>

namespace corvid::reflect {

/// What a type is on the wire. `unmappable` and the kinds after it are refused, each with its own reason.
enum class kind : std::uint8_t {
    boolean,
    integer,
    real,
    text,
    enumeration,
    optional,
    list,
    array,
    map,
    variant,
    time,
    date,
    duration,
    uuid,
    bytes,
    decimal,
    structure,
    null,
    unmappable,
    borrowed,
    undeclared_struct,
    undeclared_enum,
    nested_optional,
    key_not_text
};

/// A single character is neither a text nor a number.
template <class T>
inline constexpr bool is_character =
    std::is_same_v<T, char> || std::is_same_v<T, wchar_t> || std::is_same_v<T, char8_t> ||
    std::is_same_v<T, char16_t> || std::is_same_v<T, char32_t>;

template <class T>
struct shape { // everything that no specialisation below knows
    static constexpr kind is = [] {
        if constexpr (std::is_same_v<T, bool>)
            return kind::boolean;
        else if constexpr (std::is_integral_v<T> && sizeof(T) <= 8 && !is_character<T>)
            return kind::integer;
        else if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double>)
            return kind::real;
        else if constexpr (DeclaredEnum<T>)
            return kind::enumeration;
        else if constexpr (std::is_enum_v<T>)
            return kind::undeclared_enum;
        else if constexpr (std::is_pointer_v<T> || std::is_reference_v<T>)
            return kind::borrowed;
        else if constexpr (DeclaredStruct<T>)
            return kind::structure;
        else if constexpr (std::is_class_v<T> && std::is_aggregate_v<T>)
            return kind::undeclared_struct;
        else
            return kind::unmappable;
    }();
    using leaf = T; // where `is` is a refusal: the type that is meant
};

template <kind Is, class T>
struct shape_of_kind {
    static constexpr kind is = Is;
    using leaf = T;
};

/// A container is refused when what it holds is.
template <kind Is, class Element>
struct shape_of_container {
    static constexpr bool refused = shape<Element>::is >= kind::unmappable;
    static constexpr kind is = refused ? shape<Element>::is : Is;
    using leaf = typename shape<Element>::leaf;
};

template <class T>
inline constexpr bool mappable_number = shape<T>::is == kind::integer || shape<T>::is == kind::real;

template <>
struct shape<std::string> : shape_of_kind<kind::text, std::string> {};
template <>
struct shape<std::string_view> : shape_of_kind<kind::borrowed, std::string_view> {};
template <class T, std::size_t N>
struct shape<std::span<T, N>> : shape_of_kind<kind::borrowed, std::span<T, N>> {};
template <>
struct shape<std::monostate> : shape_of_kind<kind::null, std::monostate> {};
template <>
struct shape<uuid> : shape_of_kind<kind::uuid, uuid> {};
template <int Scale>
struct shape<decimal<Scale>> : shape_of_kind<kind::decimal, decimal<Scale>> {};
template <>
struct shape<std::vector<std::byte>> : shape_of_kind<kind::bytes, std::vector<std::byte>> {};
template <>
struct shape<std::chrono::year_month_day> : shape_of_kind<kind::date, std::chrono::year_month_day> {};
template <class D>
struct shape<std::chrono::sys_time<D>>
    : shape_of_kind<std::is_integral_v<typename D::rep> ? kind::time : kind::unmappable,
                    std::chrono::sys_time<D>> {};
template <class R, class P>
struct shape<std::chrono::duration<R, P>>
    : shape_of_kind<mappable_number<R> ? kind::duration : kind::unmappable, std::chrono::duration<R, P>> {};

template <class T>
struct shape<std::optional<T>> : shape_of_container<kind::optional, T> {
    static constexpr kind is = shape<T>::is == kind::optional || shape<T>::is == kind::null
                                   ? kind::nested_optional
                                   : shape_of_container<kind::optional, T>::is;
};
template <class T>
struct shape<std::vector<T>> : shape_of_container<kind::list, T> {};
template <class T, std::size_t N>
struct shape<std::array<T, N>> : shape_of_container<kind::array, T> {};
template <class K, class T, class C>
struct shape<std::map<K, T, C>> : shape_of_container<kind::map, T> {
    static constexpr kind is =
        std::is_same_v<K, std::string> ? shape_of_container<kind::map, T>::is : kind::key_not_text;
};
template <class K, class T, class H, class E>
struct shape<std::unordered_map<K, T, H, E>> : shape_of_container<kind::map, T> {
    static constexpr kind is =
        std::is_same_v<K, std::string> ? shape_of_container<kind::map, T>::is : kind::key_not_text;
};
template <class... T>
struct shape<std::variant<T...>> {
    static constexpr kind is = [] {
        kind worst = kind::variant;
        ((worst = shape<T>::is >= kind::unmappable && worst == kind::variant ? shape<T>::is : worst), ...);
        return worst;
    }();
    using leaf = std::variant<T...>;
};

template <class T>
inline constexpr kind kind_of = shape<T>::is;
template <class T>
inline constexpr bool mappable = kind_of<T> < kind::unmappable;

/// The name under which an alternative of a variant travels: that of a struct or enum, else of its kind.
template <class T>
constexpr std::string_view wire_type_name() noexcept {
    constexpr std::array<std::string_view, 18> names{
        "boolean", "integer", "number", "string",   "enum", "optional", "array",   "array",  "map",
        "variant", "time",    "date",   "duration", "uuid", "bytes",    "decimal", "struct", "null"};
    if constexpr (DeclaredStruct<T>)
        return corvid_declared(tag<T>{}).name;
    else
        return names[static_cast<std::size_t>(kind_of<T>)];
}

template <class... T>
constexpr bool distinct_wire_names(tag<std::variant<T...>>) noexcept {
    const std::array<std::string_view, sizeof...(T)> names{wire_type_name<T>()...};
    for (std::size_t i = 0; i < names.size(); ++i)
        for (std::size_t j = 0; j < i; ++j)
            if (names[i] == names[j]) return false;
    return true;
}

} // namespace corvid::reflect
