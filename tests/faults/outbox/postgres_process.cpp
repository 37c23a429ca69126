// SPDX-License-Identifier: Apache-2.0
#include "postgres_process.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

namespace corvid::faults {
namespace {

const std::string script = CORVID_POSTGRES_SCRIPT;

using result_ptr = std::unique_ptr<PGresult, decltype([](PGresult* r) { PQclear(r); })>;

} // namespace

postgres_process::postgres_process(const std::vector<std::string>& options) : directory_(make_directory()) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    leash_ = ends[1];
    const std::string watch =
        R"(exec >/dev/null 2>&1; cat; "$0" kill --dir "$1"; "$0" stop --dir "$1" --purge)";
    child guard({"/usr/bin/env", "setsid", "--fork", "sh", "-c", watch, script, directory_.string()},
                ends[0]);
    (void)guard.wait(std::chrono::seconds(10));
    close(ends[0]);
    std::vector<std::string> command{script, "start", "--dir", directory_.string()};
    command.insert(command.end(), options.begin(), options.end());
    url_ = output_of(command);
}

postgres_process::~postgres_process() {
    try {
        (void)output_of({script, "kill", "--dir", directory_.string()});
        (void)output_of({script, "stop", "--dir", directory_.string(), "--purge"});
    } catch (const std::exception&) { // then the guard does it
    }
    close(leash_);
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
