// SPDX-License-Identifier: Apache-2.0
#include <corvid/store/postgres/detail/messages.hpp>

#include <corvid/store/sqlstate.hpp>

#include <algorithm>
#include <charconv>

namespace corvid::store::postgres {

namespace {

std::string field(const PGresult* r, int code) {
    const char* text = PQresultErrorField(r, code);
    return text ? text : "";
}

std::string_view trimmed(std::string_view text) noexcept {
    while (!text.empty() && (text.back() == '\n' || text.back() == ' '))
        text.remove_suffix(1);
    return text;
}

bool is_sqlstate(std::string_view text) noexcept {
    return text.size() == 5 &&
           std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); });
}

// `… FATAL:  28P01: password authentication failed …`
std::string_view sqlstate_in(std::string_view verbose) noexcept {
    for (std::size_t at = verbose.find(":  "); at != std::string_view::npos; at = verbose.find(":  ", at + 1))
        if (const auto five = verbose.substr(at + 3, 5);
            is_sqlstate(five) && verbose.substr(at + 8).starts_with(": "))
            return five;
    return {};
}

error unreachable(std::string_view message, std::string operation) {
    return error(errc::database_unreachable,
                 {.message = std::string(trimmed(message)), .operation = std::move(operation)});
}

} // namespace

result<description> description_of(const PGresult* r) {
    description out;
    for (int i = 0; i < PQnparams(r); ++i)
        out.parameters.push_back(PQparamtype(r, i));
    for (int i = 0; i < PQnfields(r); ++i) {
        out.columns.push_back(PQftype(r, i));
        if (!readable(out.columns.back()))
            return fail(database_error(
                "42804",
                "column `" + std::string(PQfname(r, i)) + "` is of a type that corvid does not read (oid " +
                    std::to_string(out.columns.back()) + "): cast it to text in the query",
                "prepare"));
    }
    return out;
}

result<void> parameter_list::fill(const statement& what, const description& wanted) {
    const std::size_t count = what.parameters.size();
    if (count != wanted.parameters.size())
        return fail(database_error("42P02",
                                   std::to_string(count) + " values for " +
                                       std::to_string(wanted.parameters.size()) + " parameters",
                                   "bind"));
    owned_.resize(count);
    values_.resize(count);
    lengths_.resize(count);
    formats_.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
        auto one = encode(what.parameters[i], wanted.parameters[i]);
        if (!one) {
            error_details details = one.error().details();
            details.message = "$" + std::to_string(i + 1) + ": " + details.message;
            return fail(error(one.error().code(), std::move(details)));
        }
        owned_[i] = *std::move(one);
        values_[i] = owned_[i].null ? nullptr : owned_[i].data.c_str();
        lengths_[i] = static_cast<int>(owned_[i].data.size());
        formats_[i] = static_cast<int>(owned_[i].format);
    }
    return {};
}

result<answer> answer_of(const PGresult* r) {
    answer out;
    const int columns = PQnfields(r), rows = PQntuples(r);
    for (int column = 0; column < columns; ++column)
        out.columns.emplace_back(PQfname(r, column));
    out.cells.reserve(static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows));
    for (int row = 0; row < rows; ++row)
        for (int column = 0; column < columns; ++column) {
            if (PQgetisnull(r, row, column)) {
                out.cells.emplace_back();
                continue;
            }
            const std::string_view bytes(PQgetvalue(r, row, column),
                                         static_cast<std::size_t>(PQgetlength(r, row, column)));
            auto value = decode(PQftype(r, column), bytes);
            if (!value) return fail(std::move(value.error()));
            out.cells.push_back(*std::move(value));
        }
    const std::string_view changed(PQcmdTuples(const_cast<PGresult*>(r)));
    std::from_chars(changed.data(), changed.data() + changed.size(), out.affected);
    return out;
}

error error_of(const PGresult* r, std::string operation) {
    const std::string state = field(r, PG_DIAG_SQLSTATE);
    if (state.empty()) return unreachable(PQresultErrorMessage(r), std::move(operation));
    std::string message = field(r, PG_DIAG_MESSAGE_PRIMARY);
    if (const std::string table = field(r, PG_DIAG_TABLE_NAME); !table.empty())
        message += " (table " + table + ")";
    return database_error(state, std::move(message), std::move(operation));
}

error error_of(const PGconn* connection, std::string operation) {
    const std::string_view message(PQerrorMessage(connection));
    if (const auto state = sqlstate_in(message); !state.empty()) {
        const std::string_view line = message.substr(0, message.find('\n'));
        return database_error(state, std::string(line), std::move(operation));
    }
    return unreachable(message, std::move(operation));
}

} // namespace corvid::store::postgres
