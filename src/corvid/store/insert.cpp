// SPDX-License-Identifier: Apache-2.0
#include <corvid/store/insert.hpp>

#include <corvid/store/identifier.hpp>

#include <stdexcept>

namespace corvid::store {

std::string insert_sql(std::string_view table, std::span<const std::string_view> columns, std::size_t rows) {
    if (columns.size() * rows > max_parameters)
        throw std::length_error("an insert of " + std::to_string(rows) +
                                " rows has too many values: send fewer");
    auto name = identifier::parse_qualified(table);
    if (!name) throw config_error(std::move(name.error()));
    std::string sql = "insert into " + name->quoted() + '(';
    for (const std::string_view column : columns) {
        if (sql.back() != '(') sql += ',';
        sql += identifier(column).quoted();
    }
    sql += ") values ";
    std::size_t number = 0;
    for (std::size_t row = 0; row < rows; ++row) {
        sql += row == 0 ? "(" : ",(";
        for (std::size_t column = 0; column < columns.size(); ++column)
            (sql += column == 0 ? "$" : ",$") += std::to_string(++number);
        sql += ')';
    }
    return sql;
}

} // namespace corvid::store
