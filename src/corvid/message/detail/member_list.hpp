// SPDX-License-Identifier: Apache-2.0
//
// Preprocessor half of CORVID_MESSAGE and its kin: does a member list fit Boost.Describe's 52, and a
// described struct or enum, or one readable error where it does not. Macros of this file are corvid's own
// business.
#pragma once

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#define CORVID_PP_CAT(a, b) CORVID_PP_CAT_I(a, b)
#define CORVID_PP_CAT_I(a, b) a##b
#define CORVID_PP_EXPAND(...) __VA_ARGS__
#define CORVID_PP_FIRST(a, ...) a
#define CORVID_PP_REST(a, ...) __VA_ARGS__
#define CORVID_PP_SECOND(...) CORVID_PP_SECOND_I(__VA_ARGS__)
#define CORVID_PP_SECOND_I(a, b, ...) b

// 1 where x is `()`, else 0 (x: `()` or an identifier).
#define CORVID_PP_IS_UNIT(x) CORVID_PP_SECOND(CORVID_PP_UNIT_PROBE x, 0, )
#define CORVID_PP_UNIT_PROBE() ~, 1

// The 53rd argument: a `()` where at most 52 names came before the padding, else a name.
#define CORVID_PP_53RD(_01, _02, _03, _04, _05, _06, _07, _08, _09, _10, _11, _12, _13, _14, _15, _16, _17, \
                       _18, _19, _20, _21, _22, _23, _24, _25, _26, _27, _28, _29, _30, _31, _32, _33, _34, \
                       _35, _36, _37, _38, _39, _40, _41, _42, _43, _44, _45, _46, _47, _48, _49, _50, _51, \
                       _52, X, ...)                                                                         \
    X
#define CORVID_PP_13_UNITS (), (), (), (), (), (), (), (), (), (), (), (), ()
#define CORVID_PP_52_UNITS CORVID_PP_13_UNITS, CORVID_PP_13_UNITS, CORVID_PP_13_UNITS, CORVID_PP_13_UNITS
#define CORVID_PP_FITS_I(...) CORVID_PP_IS_UNIT(CORVID_PP_EXPAND(CORVID_PP_53RD(__VA_ARGS__)))
#define CORVID_PP_FITS(...) CORVID_PP_FITS_I(__VA_ARGS__, CORVID_PP_52_UNITS, ())

// A struct: described, its options stored where argument-dependent look-up finds them, and checked at once.
#define CORVID_DETAIL_STRUCT(Options, T, Members, ...) \
    CORVID_PP_CAT(CORVID_DETAIL_STRUCT_, CORVID_PP_FITS Members)(Options, T, Members, __VA_ARGS__)
#define CORVID_DETAIL_STRUCT_0(Options, T, Members, ...) \
    static_assert(sizeof(T) == 0, "corvid: " #T " lists more than 52 members: nest some in a CORVID_VALUE")
#define CORVID_DETAIL_STRUCT_1(Options, T, Members, ...)                                          \
    BOOST_DESCRIBE_STRUCT(T, (), Members)                                                         \
    [[maybe_unused]] constexpr ::corvid::reflect::declared<::corvid::Options<T>> corvid_declared( \
        ::corvid::reflect::tag<T>) noexcept {                                                     \
        return {::corvid::reflect::last_segment(#T), ::corvid::Options<T>{__VA_ARGS__}};          \
    }                                                                                             \
    static_assert(decltype(::corvid::reflect::check_declaration<T>())::value)

// An enum: its list may stand in parentheses of its own.
#define CORVID_DETAIL_ENUM(E, ...) \
    CORVID_PP_CAT(CORVID_DETAIL_ENUM_, CORVID_PP_FITS(__VA_ARGS__))(E, __VA_ARGS__)
#define CORVID_DETAIL_ENUM_0(E, ...) \
    static_assert(sizeof(E) == 0, "corvid: " #E " lists more than 52 enumerators")
#define CORVID_DETAIL_ENUM_1(E, ...)                                                                     \
    BOOST_DESCRIBE_ENUM(E, __VA_ARGS__)                                                                  \
    [[maybe_unused]] constexpr std::true_type corvid_declared_enum(::corvid::reflect::tag<E>) noexcept { \
        return {};                                                                                       \
    }                                                                                                    \
    static_assert(decltype(::corvid::reflect::check_enum<E>())::value)
#define CORVID_PP_IS_LIST(x, ...) CORVID_PP_SECOND(CORVID_PP_LIST_PROBE x, 0, )
#define CORVID_PP_LIST_PROBE(...) ~, 1
#define CORVID_DETAIL_ENUM_LIST_1(E, List) CORVID_DETAIL_ENUM_I(E, CORVID_PP_UNWRAP List)
#define CORVID_DETAIL_ENUM_LIST_0(E, ...) CORVID_DETAIL_ENUM(E, __VA_ARGS__)
#define CORVID_DETAIL_ENUM_I(...) CORVID_DETAIL_ENUM(__VA_ARGS__)
#define CORVID_PP_UNWRAP(...) __VA_ARGS__
