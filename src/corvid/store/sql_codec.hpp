// SPDX-License-Identifier: Apache-2.0
//
// sql_codec<T>: how a C++ type becomes a sql_value and comes from one. Specialise it for a type of your own:
//
//   template <> struct corvid::store::sql_codec<money> {
//       static sql_value to_sql(const money& m) { return {m.cents}; }
//       static result<money> from_sql(const sql_value& v);      // never throws; wrong_type(v, "integer")
//   };
#pragma once

#include <corvid/store/sql_value.hpp>

#include <boost/describe/enum_from_string.hpp>
#include <boost/describe/enum_to_string.hpp>

#include <concepts>
#include <cstdlib>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>

namespace corvid::store {

template <class T>
struct sql_codec;

template <class T>
concept SqlValue = requires(const T& t, const sql_value& v) {
    { sql_codec<T>::to_sql(t) } -> std::same_as<sql_value>;
};
template <class T>
concept SqlReadable = SqlValue<T> && requires(const sql_value& v) {
    { sql_codec<T>::from_sql(v) } -> std::same_as<result<T>>;
};

namespace detail {

template <class T>
[[nodiscard]] result<T> exactly(const sql_value& v, std::string_view wanted) {
    if (const T* found = std::get_if<T>(&v.held)) return *found;
    return wrong_type(v, wanted);
}

template <class T>
concept DescribedEnum = std::is_enum_v<T> && boost::describe::has_describe_enumerators<T>::value;

} // namespace detail

template <>
struct sql_codec<sql_value> {
    static sql_value to_sql(const sql_value& v) { return v; }
    static result<sql_value> from_sql(const sql_value& v) { return v; }
};

template <>
struct sql_codec<bool> {
    static sql_value to_sql(bool flag) { return {flag}; }
    /// SQLite has no bool: 0 and 1 are read, too.
    static result<bool> from_sql(const sql_value& v) {
        if (const auto* number = std::get_if<std::int64_t>(&v.held); number && (*number == 0 || *number == 1))
            return *number == 1;
        return detail::exactly<bool>(v, "bool");
    }
};

template <std::integral T>
struct sql_codec<T> {
    static_assert(sizeof(T) < 8 || std::is_signed_v<T>,
                  "corvid: no database has an unsigned integer of 64 bits");
    static sql_value to_sql(T number) { return {static_cast<std::int64_t>(number)}; }
    static result<T> from_sql(const sql_value& v) {
        const auto* number = std::get_if<std::int64_t>(&v.held);
        if (!number) return wrong_type(v, "integer");
        if (!std::in_range<T>(*number))
            return fail(errc::wrong_column,
                        {.message = std::to_string(*number) + " does not fit the member's type",
                         .hint = "widen the member's type",
                         .operation = "read a row"});
        return static_cast<T>(*number);
    }
};

template <std::floating_point T>
struct sql_codec<T> {
    static constexpr std::int64_t exact = std::int64_t{1} << 53U;
    static sql_value to_sql(T number) { return {static_cast<double>(number)}; }
    /// SQLite answers whole numbers as integers: those that a double holds are read, too.
    static result<T> from_sql(const sql_value& v) {
        if (const auto* number = std::get_if<double>(&v.held)) return static_cast<T>(*number);
        if (const auto* whole = std::get_if<std::int64_t>(&v.held); whole && std::abs(*whole) <= exact)
            return static_cast<T>(*whole);
        return wrong_type(v, "double");
    }
};

template <>
struct sql_codec<std::string> {
    static sql_value to_sql(std::string text) { return {std::move(text)}; }
    static result<std::string> from_sql(const sql_value& v) {
        return detail::exactly<std::string>(v, "text");
    }
};
template <>
struct sql_codec<std::string_view> {
    static sql_value to_sql(std::string_view text) { return {std::string(text)}; }
};
template <>
struct sql_codec<const char*> {
    static sql_value to_sql(const char* text) { return {std::string(text)}; }
};
template <>
struct sql_codec<bytes_view> {
    static sql_value to_sql(bytes_view data) { return {sql_bytes{std::string(as_text(data))}}; }
};
template <>
struct sql_codec<std::vector<std::byte>> {
    static sql_value to_sql(const std::vector<std::byte>& data) {
        return sql_codec<bytes_view>::to_sql(data);
    }
    static result<std::vector<std::byte>> from_sql(const sql_value& v) {
        const auto* found = std::get_if<sql_bytes>(&v.held);
        if (!found) return wrong_type(v, "bytes");
        const auto data = as_bytes(found->data);
        return std::vector<std::byte>(data.begin(), data.end());
    }
};

template <>
struct sql_codec<uuid> {
    static sql_value to_sql(const uuid& id) { return {id}; }
    /// SQLite has no uuid: 16 bytes are read, too.
    static result<uuid> from_sql(const sql_value& v) {
        const auto* raw = std::get_if<sql_bytes>(&v.held);
        if (!raw || raw->data.size() != 16) return detail::exactly<uuid>(v, "uuid");
        uuid id;
        raw->data.copy(reinterpret_cast<char*>(id.bytes.data()), id.bytes.size());
        return id;
    }
};

template <class Unit>
    requires(std::ratio_divide<typename Unit::period, std::micro>::den == 1)
struct sql_codec<std::chrono::sys_time<Unit>> {
    using time = std::chrono::sys_time<Unit>;
    static sql_value to_sql(time when) {
        return {std::chrono::time_point_cast<std::chrono::microseconds>(when)};
    }
    /// SQLite has no time: microseconds are read, too.
    static result<time> from_sql(const sql_value& v) {
        if (const auto* when = std::get_if<sql_time>(&v.held)) return std::chrono::floor<Unit>(*when);
        if (const auto* count = std::get_if<std::int64_t>(&v.held))
            return std::chrono::floor<Unit>(sql_time(std::chrono::microseconds(*count)));
        return wrong_type(v, "time");
    }
};

template <detail::DescribedEnum E>
struct sql_codec<E> {
    static sql_value to_sql(E value) { return {std::string(boost::describe::enum_to_string(value, ""))}; }
    static result<E> from_sql(const sql_value& v) {
        const auto* name = std::get_if<std::string>(&v.held);
        E found{};
        if (!name || !boost::describe::enum_from_string(name->c_str(), found))
            return wrong_type(v, "the name of an enumerator");
        return found;
    }
};

template <SqlValue T>
struct sql_codec<std::optional<T>> {
    static sql_value to_sql(const std::optional<T>& v) { return v ? sql_codec<T>::to_sql(*v) : sql_value{}; }
    static result<std::optional<T>> from_sql(const sql_value& v) {
        if (v.is_null()) return std::optional<T>{};
        result<T> inner = sql_codec<T>::from_sql(v);
        if (!inner) return fail(std::move(inner.error()));
        return std::optional<T>{*std::move(inner)};
    }
};

template <SqlValue T>
    requires(!std::same_as<T, std::byte>)
struct sql_codec<std::vector<T>> {
    static sql_value to_sql(const std::vector<T>& list) {
        sql_array array;
        array.items.reserve(list.size());
        for (const auto& each : list)
            array.items.push_back(sql_codec<T>::to_sql(each));
        return {std::move(array)};
    }
    static result<std::vector<T>> from_sql(const sql_value& v)
        requires SqlReadable<T>
    {
        const auto* found = std::get_if<sql_array>(&v.held);
        if (!found) return wrong_type(v, "array");
        std::vector<T> list;
        list.reserve(found->items.size());
        for (const sql_value& each : found->items) {
            result<T> one = sql_codec<T>::from_sql(each);
            if (!one) return fail(std::move(one.error()));
            list.push_back(*std::move(one));
        }
        return list;
    }
};

} // namespace corvid::store
