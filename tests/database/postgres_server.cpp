// SPDX-License-Identifier: Apache-2.0
#include "postgres_server.hpp"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <stdexcept>

namespace corvid::test {

std::string postgres_url() {
    const char* url = std::getenv("CORVID_TEST_POSTGRES");
    if (!url) throw std::runtime_error("CORVID_TEST_POSTGRES names no server: run `./run test postgres`");
    return url;
}

raw_connection connect_raw(const std::string& url) {
    raw_connection made(PQconnectdb(url.c_str()));
    if (PQstatus(made.get()) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(made.get()));
    PQsetNoticeProcessor(made.get(), [](void*, const char*) {}, nullptr);
    return made;
}

std::string ask_raw(PGconn* connection, const std::string& sql) {
    const std::unique_ptr<PGresult, decltype(&PQclear)> r(PQexec(connection, sql.c_str()), &PQclear);
    const auto status = PQresultStatus(r.get());
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        throw std::runtime_error(sql + ": " + PQresultErrorMessage(r.get()));
    return PQntuples(r.get()) > 0 ? PQgetvalue(r.get(), 0, 0) : "";
}

void end_sessions_of(const std::string& url) {
    const auto from = url.find("application_name=") + 17;
    ask_raw(connect_raw(postgres_url()).get(),
            "select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity where application_name = '" +
                url.substr(from, url.find('&') - from) + "'");
}

own_schema::own_schema() {
    static std::atomic<int> number{0};
    name_ = "corvid_test_" + std::to_string(getpid()) + "_" + std::to_string(++number);
    ask_raw(connect_raw(postgres_url()).get(), "create schema " + name_);
}

own_schema::~own_schema() {
    try {
        ask_raw(connect_raw(postgres_url()).get(), "drop schema " + name_ + " cascade");
    } catch (const std::exception&) { // a server that a test has stopped takes its tables along
    }
}

std::string own_schema::url() const {
    return postgres_url() + "?application_name=" + name_ + "&options=-csearch_path%3D" + name_;
}

} // namespace corvid::test
