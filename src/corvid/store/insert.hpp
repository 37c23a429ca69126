// SPDX-License-Identifier: Apache-2.0
//
// insert_statement: many rows of a described struct as one insert, on every database: rows stand side by side
// in `values`, each value a parameter. For batches beyond a few hundred rows use arrays and unnest on
// PostgreSQL.
#pragma once

#include <corvid/store/rows.hpp>

#include <span>
#include <string_view>

namespace corvid::store {

/// A statement takes at most so many parameters, on PostgreSQL (65,535) and SQLite (32,766).
inline constexpr std::size_t max_parameters = 32'766;

/// `insert into "table"("a","b") values ($1,$2),($3,$4)`. Throws config_error for a name that is none.
[[nodiscard]] std::string insert_sql(std::string_view table, std::span<const std::string_view> columns,
                                     std::size_t rows);

/// Throws std::length_error beyond max_parameters.
template <Described Row>
[[nodiscard]] statement insert_statement(std::string_view table, std::span<const Row> rows) {
    statement made{.sql = insert_sql(table, detail::column_names<Row>, rows.size())};
    made.parameters.reserve(rows.size() * detail::column_names<Row>.size());
    for (const Row& row : rows)
        detail::add_parameter(made.parameters, row);
    return made;
}

} // namespace corvid::store
