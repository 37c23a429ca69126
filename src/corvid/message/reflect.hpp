// SPDX-License-Identifier: Apache-2.0
//
// Reflection: what the compiler knows of a declared struct or enum: the members in the order of their list,
// by index.
#pragma once

#include <boost/describe/enumerators.hpp>
#include <boost/describe/members.hpp>
#include <boost/mp11/algorithm.hpp>

#include <array>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

namespace corvid::reflect {

/// Carries a type to functions that argument-dependent look-up finds in the namespace of that type.
template <class T>
struct tag {};

/// What the macros store for a struct: its own name and its options.
template <class Options>
struct declared {
    std::string_view name;
    Options options;
};

/// `a::b::c` -> `c`
constexpr std::string_view last_segment(std::string_view name) noexcept {
    const auto colon = name.rfind(':');
    return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

template <class T>
concept DeclaredStruct = requires { corvid_declared(tag<T>{}); };
template <class T>
concept DeclaredEnum = std::is_enum_v<T> && requires { corvid_declared_enum(tag<T>{}); };

template <class T>
using member_list = boost::describe::describe_members<T, boost::describe::mod_public>;
template <class T>
inline constexpr std::size_t member_count = boost::mp11::mp_size<member_list<T>>::value;
template <class T, std::size_t I>
using member_at = boost::mp11::mp_at_c<member_list<T>, I>;
template <class T, std::size_t I>
using member_type = std::remove_cvref_t<decltype(std::declval<T&>().*member_at<T, I>::pointer)>;

template <std::size_t I, class T>
constexpr auto& member_of(T& object) noexcept {
    return object.*member_at<std::remove_const_t<T>, I>::pointer;
}

template <class T>
inline constexpr auto member_names = []<std::size_t... I>(std::index_sequence<I...>) {
    return std::array<std::string_view, sizeof...(I)>{member_at<T, I>::name...};
}(std::make_index_sequence<member_count<T>>{});

inline constexpr std::size_t no_member = static_cast<std::size_t>(-1);

/// The place in T's list of the member that `pointer` points to, or no_member.
template <class T, class M>
constexpr std::size_t index_of(M T::* pointer) noexcept {
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
        std::size_t found = no_member;
        const auto look = [&]<std::size_t Index>(std::integral_constant<std::size_t, Index>) {
            if constexpr (std::is_same_v<decltype(member_at<T, Index>::pointer), M T::* const>)
                if (member_at<T, Index>::pointer == pointer) found = Index;
        };
        (look(std::integral_constant<std::size_t, I>{}), ...);
        return found;
    }(std::make_index_sequence<member_count<T>>{});
}

template <class E>
struct enumerator {
    std::string_view name;
    E value;
};

template <DeclaredEnum E>
inline constexpr auto enumerators = []<class... D>(boost::mp11::mp_list<D...>) {
    return std::array<enumerator<E>, sizeof...(D)>{enumerator<E>{D::name, D::value}...};
}(boost::mp11::mp_rename<boost::describe::describe_enumerators<E>, boost::mp11::mp_list>{});

} // namespace corvid::reflect
