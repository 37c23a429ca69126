// SPDX-License-Identifier: Apache-2.0
//
// What is done with a sqlite3 handle, whoever owns it: statements prepared once, values bound and read, codes
// translated. Internal.
#pragma once

#include <corvid/store/statement.hpp>

#include <sqlite3.h>

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>

namespace corvid::store::sqlite {

struct finalize {
    void operator()(sqlite3_stmt* prepared) const noexcept { sqlite3_finalize(prepared); }
};
using statement_ptr = std::unique_ptr<sqlite3_stmt, finalize>;

/// The error of the handle's last call, with the SQLSTATE that PostgreSQL has for the same mistake.
[[nodiscard]] error last_error(sqlite3* db, std::string operation);

/// Prepared statements by their text; the one used longest ago goes first.
class statement_cache {
public:
    explicit statement_cache(std::size_t capacity) : capacity_(capacity) {}
    [[nodiscard]] result<sqlite3_stmt*> get(sqlite3* db, const std::string& sql);
    void clear() noexcept {
        by_text_.clear();
        order_.clear();
    }

private:
    struct entry {
        std::string sql;
        statement_ptr prepared;
    };
    std::size_t capacity_;
    std::list<entry> order_; // used last: front
    std::map<std::string_view, std::list<entry>::iterator> by_text_;
};

/// Binds $1, $2, … (or ?1, ?2, …) and runs it to its end.
[[nodiscard]] result<answer> run(sqlite3* db, sqlite3_stmt* prepared, const statement& what);

/// `… is busy`: nothing has happened, it may be run again.
[[nodiscard]] bool is_busy(const error& why) noexcept;

} // namespace corvid::store::sqlite
