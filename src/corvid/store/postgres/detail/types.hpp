// SPDX-License-Identifier: Apache-2.0
//
// The values of PostgreSQL on the wire: a sql_value to the form of the type that the server inferred for its
// parameter, and a column back. Binary where corvid knows the type, else text. Pure. Internal.
#pragma once

#include <corvid/store/sql_value.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace corvid::store::postgres {

/// What PostgreSQL calls an Oid; those that matter are in pg_type.dat and never change.
using type_id = std::uint32_t;

enum class wire_format : int { text = 0, binary = 1 };

/// A parameter as it is sent; `data` ends with a NUL that `size` does not count, as text needs it.
struct encoded {
    wire_format format = wire_format::text;
    bool null = false;
    std::string data = {};
};

/// SQLSTATE 22003 where the number does not fit, 22021 for a NUL in text, 42804 where the types do not go
/// together.
[[nodiscard]] result<encoded> encode(const sql_value& value, type_id wanted);

[[nodiscard]] bool readable(type_id type) noexcept;
/// A column's bytes in binary. 22P03 for bytes that are not of that type.
[[nodiscard]] result<sql_value> decode(type_id type, std::string_view bytes);

} // namespace corvid::store::postgres
