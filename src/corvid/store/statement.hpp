// SPDX-License-Identifier: Apache-2.0
//
// statement and answer: one SQL command with its parameters, and what came of it. Values stand only in
// parameters, written $1, $2, … in the text on every database; names of tables and columns go through
// store/identifier.hpp.
//
//   auto s = make_statement("insert into invoice(order_id, cents) values ($1, $2)", o.order_id, o.cents);
//   auto t = make_statement("insert into invoice(order_id, cents) values ($1, $2)", o);   // its members
#pragma once

#include <corvid/store/sql_codec.hpp>

#include <boost/describe/members.hpp>
#include <boost/mp11/algorithm.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace corvid::store {

struct statement {
    std::string sql;
    std::vector<sql_value> parameters = {};
};

/// What a statement gave: its rows, and how many rows it changed (or returned).
struct answer {
    std::vector<std::string> columns = {};
    std::vector<sql_value> cells = {}; ///< row after row
    std::int64_t affected = 0;

    [[nodiscard]] std::size_t row_count() const noexcept {
        return columns.empty() ? 0 : cells.size() / columns.size();
    }
    [[nodiscard]] const sql_value& at(std::size_t row, std::size_t column) const noexcept {
        return cells[row * columns.size() + column];
    }
};

/// A struct declared with BOOST_DESCRIBE_STRUCT (CORVID_VALUE and CORVID_MESSAGE do so), without bases.
template <class T>
concept Described = std::is_class_v<T> && boost::describe::has_describe_members<T>::value && !SqlValue<T>;

namespace detail {

template <class T>
using members_of = boost::describe::describe_members<T, boost::describe::mod_public>;

template <class T>
void add_parameter(std::vector<sql_value>& into, const T& value) {
    if constexpr (Described<T>) {
        boost::mp11::mp_for_each<members_of<T>>(
            [&](auto member) { add_parameter(into, value.*decltype(member)::pointer); });
    } else {
        static_assert(SqlValue<T>,
                      "corvid: this type is no SQL value: give it a sql_codec, or describe it with "
                      "CORVID_VALUE or BOOST_DESCRIBE_STRUCT");
        if constexpr (SqlValue<T>) into.push_back(sql_codec<T>::to_sql(value));
    }
}

template <std::size_t N>
void add_parameter(std::vector<sql_value>& into, const char (&text)[N]) {
    into.push_back(sql_codec<const char*>::to_sql(text));
}

} // namespace detail

/// The arguments as $1, $2, …; each member of a described struct counts as one.
template <class... Args>
[[nodiscard]] statement make_statement(std::string_view sql, const Args&... args) {
    statement bound{.sql = std::string(sql)};
    bound.parameters.reserve(sizeof...(Args));
    (detail::add_parameter(bound.parameters, args), ...);
    return bound;
}

} // namespace corvid::store
