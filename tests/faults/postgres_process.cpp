// SPDX-License-Identifier: Apache-2.0
#include "postgres_process.hpp"

#include <stdexcept>

namespace corvid::faults {
namespace {

const std::string postgres_script = CORVID_POSTGRES_SCRIPT;

using result_ptr = std::unique_ptr<PGresult, decltype([](PGresult* r) { PQclear(r); })>;

} // namespace

postgres_process::postgres_process(const std::vector<std::string>& options)
    : directory_(make_directory()), guard_(postgres_script, directory_) {
    std::vector<std::string> command{postgres_script, "start", "--dir", directory_.string()};
    command.insert(command.end(), options.begin(), options.end());
    url_ = output_of(command);
}

void postgres_process::kill() const {
    (void)output_of({postgres_script, "kill", "--dir", directory_.string()});
}

void postgres_process::start() const {
    (void)output_of({postgres_script, "start", "--dir", directory_.string()});
}

std::uint16_t postgres_process::port() const {
    return static_cast<std::uint16_t>(std::stoul(url_.substr(url_.rfind(':') + 1)));
}

raw_connection connect_raw(const std::string& url) {
    raw_connection made(PQconnectdb(url.c_str()));
    if (PQstatus(made.get()) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(made.get()));
    PQsetClientEncoding(made.get(), "UTF8");
    PQsetNoticeProcessor(made.get(), [](void*, const char*) {}, nullptr);
    return made;
}

std::vector<std::vector<std::string>> rows_of(PGconn* on, const std::string& sql) {
    const result_ptr r(PQexec(on, sql.c_str()));
    const auto status = PQresultStatus(r.get());
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        throw std::runtime_error(sql + ": " + PQerrorMessage(on));
    std::vector<std::vector<std::string>> all;
    for (int row = 0; row < PQntuples(r.get()); ++row) {
        auto& cells = all.emplace_back();
        for (int column = 0; column < PQnfields(r.get()); ++column)
            cells.emplace_back(PQgetvalue(r.get(), row, column));
    }
    return all;
}

bool try_raw(PGconn* on, const std::string& sql) {
    const result_ptr r(PQexec(on, sql.c_str()));
    const auto status = PQresultStatus(r.get());
    return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

} // namespace corvid::faults
