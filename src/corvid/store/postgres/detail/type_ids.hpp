// SPDX-License-Identifier: Apache-2.0
//
// The types of PostgreSQL that corvid reads and writes in binary (src/include/catalog/pg_type.dat). Internal.
#pragma once

#include <corvid/store/postgres/detail/types.hpp>

#include <array>

namespace corvid::store::postgres::types {

inline constexpr type_id boolean = 16, bytea = 17, one_char = 18, name = 19, int8 = 20, int2 = 21, int4 = 23,
                         text = 25, oid = 26, json = 114, float4 = 700, float8 = 701, unknown = 705,
                         bpchar = 1042, varchar = 1043, date = 1082, timestamp = 1114, timestamptz = 1184,
                         numeric = 1700, void_type = 2278, uuid_type = 2950, jsonb = 3802;

struct array_type {
    type_id array;
    type_id element;
};
inline constexpr std::array arrays{
    array_type{1000, boolean},   array_type{1001, bytea},     array_type{1003, name},
    array_type{1005, int2},      array_type{1007, int4},      array_type{1009, text},
    array_type{1014, bpchar},    array_type{1015, varchar},   array_type{1016, int8},
    array_type{1021, float4},    array_type{1022, float8},    array_type{1028, oid},
    array_type{1115, timestamp}, array_type{1182, date},      array_type{1185, timestamptz},
    array_type{1231, numeric},   array_type{2951, uuid_type}, array_type{199, json},
    array_type{3807, jsonb}};

/// 0 if `type` is no array known here.
constexpr type_id element_of(type_id type) noexcept {
    for (const array_type& each : arrays)
        if (each.array == type) return each.element;
    return 0;
}

/// Text whose binary form is its bytes.
constexpr bool is_text(type_id type) noexcept {
    return type == text || type == varchar || type == bpchar || type == name || type == json ||
           type == unknown;
}

/// PostgreSQL counts time from 2000-01-01.
inline constexpr std::int64_t epoch_us = 946'684'800'000'000;
inline constexpr std::int64_t day_us = 86'400'000'000;

} // namespace corvid::store::postgres::types
