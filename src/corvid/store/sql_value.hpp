// SPDX-License-Identifier: Apache-2.0
//
// sql_value: what corvid hands to a database and gets from it, in one form for all of them. Plain C++ values
// become one and come from one by sql_codec<T>:
//
//   bool, every integer, float, double, std::string, std::string_view, const char*, bytes
//   (std::vector<std::byte>, bytes_view), uuid, sys_time of microseconds and coarser, std::optional of these
//   (null), described enums (their name), std::vector of these (an array).
//
// A type of your own joins by a specialisation of sql_codec. Copies text and bytes: a value owns what it
// holds.
#pragma once

#include <corvid/base/ids.hpp>
#include <corvid/base/result.hpp>
#include <corvid/model/bytes.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace corvid::store {

/// Microseconds since 1970 in UTC: what databases keep.
using sql_time = std::chrono::sys_time<std::chrono::microseconds>;

struct sql_null {
    friend bool operator==(sql_null, sql_null) = default;
};

/// Bytes apart from text.
struct sql_bytes {
    std::string data;
    friend bool operator==(const sql_bytes&, const sql_bytes&) = default;
};

struct sql_value;

/// One dimension, elements of one type or null. PostgreSQL takes them for `unnest($1::bigint[])` and `=
/// any($1)`; SQLite has none and gets JSON text, for `json_each($1)`.
struct sql_array {
    std::vector<sql_value> items;
    friend bool operator==(const sql_array&, const sql_array&);
};

struct sql_value {
    using type =
        std::variant<sql_null, bool, std::int64_t, double, std::string, sql_bytes, sql_time, uuid, sql_array>;
    type held = {};

    [[nodiscard]] bool is_null() const noexcept { return held.index() == 0; }
    /// `null`, `bool`, `integer`, `double`, `text`, `bytes`, `time`, `uuid`, `array`
    [[nodiscard]] std::string_view type_name() const noexcept;
    /// About what it takes in a message to the database.
    [[nodiscard]] std::size_t bytes() const noexcept;
    friend bool operator==(const sql_value&, const sql_value&) = default;
};

inline bool operator==(const sql_array& a, const sql_array& b) { return a.items == b.items; }

/// A value that is not of the type asked for: errc::wrong_column.
[[nodiscard]] std::unexpected<error> wrong_type(const sql_value& found, std::string_view wanted);

/// An array as JSON text: times as microseconds; errc::invalid_argument for bytes and infinite numbers.
[[nodiscard]] result<std::string> to_json_array(const sql_array& array);

} // namespace corvid::store
