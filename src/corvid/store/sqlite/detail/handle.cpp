// SPDX-License-Identifier: Apache-2.0
#include <corvid/store/sqlite/detail/handle.hpp>

#include <corvid/store/sqlstate.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace corvid::store::sqlite {

namespace {

std::string_view constraint_state(int extended) noexcept {
    switch (extended) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
        return "23505";
    case SQLITE_CONSTRAINT_FOREIGNKEY:
        return "23503";
    case SQLITE_CONSTRAINT_NOTNULL:
        return "23502";
    case SQLITE_CONSTRAINT_CHECK:
        return "23514";
    case SQLITE_CONSTRAINT_TRIGGER:
        return "P0001";
    default:
        return "23000";
    }
}

std::string_view sqlstate_of(int extended) noexcept {
    switch (extended & 0xFF) {
    case SQLITE_CONSTRAINT:
        return constraint_state(extended);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return "55P03";
    case SQLITE_INTERRUPT:
        return "57014";
    case SQLITE_FULL:
        return "53100";
    case SQLITE_NOMEM:
        return "53200";
    case SQLITE_IOERR:
        return "58030";
    case SQLITE_PROTOCOL:
        return "40001";
    case SQLITE_TOOBIG:
        return "54000";
    case SQLITE_MISMATCH:
        return "22000";
    case SQLITE_RANGE:
        return "42P02";
    case SQLITE_AUTH:
    case SQLITE_PERM:
    case SQLITE_READONLY:
        return "42501";
    case SQLITE_CANTOPEN:
        return "3D000";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return "0A000";
    default:
        return "42601";
    }
}

class binder {
public:
    binder(sqlite3_stmt* prepared, int at) noexcept : prepared_(prepared), at_(at) {}

    int operator()(sql_null) const { return sqlite3_bind_null(prepared_, at_); }
    int operator()(bool flag) const { return sqlite3_bind_int(prepared_, at_, flag ? 1 : 0); }
    int operator()(std::int64_t number) const { return sqlite3_bind_int64(prepared_, at_, number); }
    // SQLite would store NaN as null without a word.
    int operator()(double number) const {
        return std::isnan(number) ? SQLITE_MISMATCH : sqlite3_bind_double(prepared_, at_, number);
    }
    int operator()(const std::string& text) const {
        return sqlite3_bind_text64(prepared_, at_, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
    }
    int operator()(const sql_bytes& bytes) const {
        return sqlite3_bind_blob64(prepared_, at_, bytes.data.data(), bytes.data.size(), SQLITE_STATIC);
    }
    int operator()(sql_time when) const { return (*this)(when.time_since_epoch().count()); }
    int operator()(const uuid& id) const {
        return sqlite3_bind_blob64(prepared_, at_, id.bytes.data(), id.bytes.size(), SQLITE_STATIC);
    }
    int operator()(const sql_array& array) const {
        const auto json = to_json_array(array);
        if (!json) return SQLITE_MISMATCH;
        return sqlite3_bind_text64(prepared_, at_, json->data(), json->size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    }

private:
    sqlite3_stmt* prepared_;
    int at_;
};

// SQLite numbers $1, $2 in the order of their appearance: the name tells which parameter is meant.
std::size_t parameter_of(sqlite3_stmt* prepared, int index) noexcept {
    const char* name = sqlite3_bind_parameter_name(prepared, index);
    if (!name) return static_cast<std::size_t>(index);
    std::size_t number = 0;
    const std::string_view digits(name + 1);
    const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return end.ptr == digits.data() + digits.size() ? number : 0;
}

std::optional<error> bind_all(sqlite3* db, sqlite3_stmt* prepared, const statement& what) {
    std::size_t highest = 0;
    for (int index = 1; index <= sqlite3_bind_parameter_count(prepared); ++index) {
        const std::size_t number = parameter_of(prepared, index);
        if (number == 0 || number > what.parameters.size())
            return database_error(
                "42P02", "a parameter of the statement has no value: $" + std::to_string(number), "bind");
        highest = std::max(highest, number);
        const sql_value& value = what.parameters[number - 1];
        const int code = std::visit(binder(prepared, index), value.held);
        if (code == SQLITE_MISMATCH)
            return database_error("22023",
                                  "$" + std::to_string(number) + ": SQLite cannot hold this " +
                                      std::string(value.type_name()),
                                  "bind");
        if (code != SQLITE_OK) return last_error(db, "bind");
    }
    if (highest == what.parameters.size()) return std::nullopt;
    return database_error("42P02",
                          std::to_string(what.parameters.size()) + " values for " + std::to_string(highest) +
                              " parameters",
                          "bind");
}

sql_value cell(sqlite3_stmt* row, int column) {
    const auto text = [&](const void* data) {
        const auto size = static_cast<std::size_t>(sqlite3_column_bytes(row, column));
        return data ? std::string(static_cast<const char*>(data), size) : std::string();
    };
    switch (sqlite3_column_type(row, column)) {
    case SQLITE_INTEGER:
        return {static_cast<std::int64_t>(sqlite3_column_int64(row, column))};
    case SQLITE_FLOAT:
        return {sqlite3_column_double(row, column)};
    case SQLITE_TEXT:
        return {text(sqlite3_column_text(row, column))};
    case SQLITE_BLOB:
        return {sql_bytes{text(sqlite3_column_blob(row, column))}};
    default:
        return {};
    }
}

} // namespace

error last_error(sqlite3* db, std::string operation) {
    const int extended = sqlite3_extended_errcode(db);
    const error known = database_error(sqlstate_of(extended), sqlite3_errmsg(db), std::move(operation));
    error_details details = known.details();
    details.native_code = extended;
    return error(known.code(), std::move(details));
}

bool is_busy(const error& why) noexcept {
    const int code = why.native_code().value_or(0) & 0xFF;
    return code == SQLITE_BUSY || code == SQLITE_LOCKED;
}

result<sqlite3_stmt*> statement_cache::get(sqlite3* db, const std::string& sql) {
    if (const auto known = by_text_.find(sql); known != by_text_.end()) {
        order_.splice(order_.begin(), order_, known->second);
        return known->second->prepared.get();
    }
    sqlite3_stmt* made = nullptr;
    const char* rest = nullptr;
    if (sqlite3_prepare_v3(db, sql.c_str(), static_cast<int>(sql.size()) + 1, SQLITE_PREPARE_PERSISTENT,
                           &made, &rest) != SQLITE_OK)
        return fail(last_error(db, "prepare"));
    statement_ptr owned(made);
    if (!made || std::string_view(rest).find_first_not_of(" \t\r\n;") != std::string_view::npos)
        return fail(database_error("42601", "the text is not one statement", "prepare"));
    if (order_.size() >= capacity_) {
        by_text_.erase(order_.back().sql);
        order_.pop_back();
    }
    order_.push_front({sql, std::move(owned)});
    by_text_.emplace(order_.front().sql, order_.begin());
    return made;
}

result<answer> run(sqlite3* db, sqlite3_stmt* prepared, const statement& what) {
    struct reset {
        sqlite3_stmt* prepared;
        ~reset() {
            sqlite3_reset(prepared);
            sqlite3_clear_bindings(prepared);
        }
    } const at_end{prepared};
    if (auto failed = bind_all(db, prepared, what)) return fail(*std::move(failed));
    answer out;
    const auto changes = sqlite3_total_changes64(db);
    int code =
        sqlite3_step(prepared); // prepares it anew where the tables have changed: columns are known after it
    const int columns = sqlite3_column_count(prepared);
    for (int column = 0; column < columns; ++column)
        out.columns.emplace_back(sqlite3_column_name(prepared, column));
    for (; code == SQLITE_ROW; code = sqlite3_step(prepared))
        for (int column = 0; column < columns; ++column)
            out.cells.push_back(cell(prepared, column));
    if (code != SQLITE_DONE) return fail(last_error(db, "execute"));
    const bool reads = sqlite3_stmt_readonly(prepared) != 0;
    out.affected = columns > 0 ? static_cast<std::int64_t>(out.row_count())
                   : !reads && sqlite3_total_changes64(db) != changes ? sqlite3_changes64(db)
                                                                      : 0;
    return out;
}

} // namespace corvid::store::sqlite
