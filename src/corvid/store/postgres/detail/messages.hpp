// SPDX-License-Identifier: Apache-2.0
//
// What libpq's results say, and parameters in the form libpq takes: shared by the session and by enlisted
// connections. Internal.
#pragma once

#include <corvid/store/postgres/detail/types.hpp>
#include <corvid/store/statement.hpp>

#include <libpq-fe.h>

#include <memory>
#include <string>
#include <vector>

namespace corvid::store::postgres {

struct clear_result {
    void operator()(PGresult* r) const noexcept { PQclear(r); }
};
using result_ptr = std::unique_ptr<PGresult, clear_result>;

/// What the server said of a prepared statement.
struct description {
    std::vector<type_id> parameters;
    std::vector<type_id> columns;
};

/// From a PQdescribePrepared; SQLSTATE 42804 names a column of a type that corvid does not read.
[[nodiscard]] result<description> description_of(const PGresult* r);

/// The values of a statement as PQexecPrepared takes them.
class parameter_list {
public:
    /// 42P02 if there are more or fewer values than parameters; else as encode(), naming the parameter.
    [[nodiscard]] result<void> fill(const statement& what, const description& wanted);

    [[nodiscard]] int count() const noexcept { return static_cast<int>(values_.size()); }
    [[nodiscard]] const char* const* values() const noexcept { return values_.data(); }
    [[nodiscard]] const int* lengths() const noexcept { return lengths_.data(); }
    [[nodiscard]] const int* formats() const noexcept { return formats_.data(); }

private:
    std::vector<encoded> owned_;
    std::vector<const char*> values_;
    std::vector<int> lengths_, formats_;
};

/// Rows and count of a result that is no error.
[[nodiscard]] result<answer> answer_of(const PGresult* r);

/// The error of a result: message and constraint, not the detail, which quotes values. Without a SQLSTATE it
/// is the connection's: database_unreachable.
[[nodiscard]] error error_of(const PGresult* r, std::string operation);
/// The error of a connection, its SQLSTATE read from a verbose message where there is one.
[[nodiscard]] error error_of(const PGconn* connection, std::string operation);

[[nodiscard]] inline bool is_error(const PGresult* r) noexcept {
    const ExecStatusType status = PQresultStatus(r);
    return status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE;
}

} // namespace corvid::store::postgres
