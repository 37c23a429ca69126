// SPDX-License-Identifier: Apache-2.0
//
// One arm of the inbox bench: `inbox_arm --arm guard_16 --url postgresql://… --messages N` prints one JSON
// line.
#include <bench/inbox/arms.hpp>

#include <cstdio>
#include <cstdlib>

namespace corvid::bench {

connection connect(const std::string& url) {
    connection made(PQconnectdb(url.c_str()));
    if (PQstatus(made.get()) != CONNECTION_OK) {
        std::fprintf(stderr, "bench: %s\n", PQerrorMessage(made.get()));
        std::exit(2);
    }
    return made;
}

std::string ask(PGconn* on, const std::string& sql) {
    PGresult* const r = PQexec(on, sql.c_str());
    const auto status = PQresultStatus(r);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        std::fprintf(stderr, "bench: %s: %s\n", sql.c_str(), PQerrorMessage(on));
        std::exit(2);
    }
    std::string value = PQntuples(r) > 0 && PQnfields(r) > 0 ? PQgetvalue(r, 0, 0) : "";
    PQclear(r);
    return value;
}

namespace {

void print(const inbox_options& chosen, const span& measured, double wal_bytes, const std::string& why) {
    const auto count = static_cast<double>(chosen.messages);
    std::printf("{\"messages\":%llu,\"seconds\":%.6f,\"msgs_per_s\":%.0f,\"us_per_message\":%.4f,"
                "\"cpu_s_per_million\":%.4f,\"wal_bytes_per_message\":%.1f,\"correct\":%s,\"why\":\"%s\"}\n",
                static_cast<unsigned long long>(chosen.messages), measured.seconds(),
                count / measured.seconds(), measured.seconds() / count * 1e6,
                measured.cpu_seconds() / count * 1e6, wal_bytes / count, why.empty() ? "true" : "false",
                why.c_str());
}

int run(const inbox_options& chosen) {
    arm_function arm = nullptr;
    for (const auto& find : {&peer_arm, &writer_arm, &service_arm})
        if (!arm) arm = find(chosen.arm);
    if (!arm) {
        std::fprintf(stderr, "bench: no arm %s\n", chosen.arm.c_str());
        return 2;
    }
    const connection admin = connect(chosen.url);
    ask(admin.get(),
        "drop schema public cascade; create schema public; create table effect(event bigint not null, cents "
        "int not null); create table mark(id text primary key)");
    ask(admin.get(), "checkpoint");
    span measured;
    const std::string before = ask(admin.get(), "select pg_current_wal_insert_lsn()");
    arm(chosen, measured);
    const double wal = std::atof(
        ask(admin.get(), "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '" + before + "')").c_str());
    // By offset an event that a producer repeats is another record.
    const bool repeats = chosen.arm == "corvid_offset_batch";
    const std::string expected = std::to_string(repeats ? chosen.messages : distinct(chosen.messages));
    const std::string found = ask(admin.get(), "select count(*) from effect"),
                      different = ask(admin.get(), "select count(distinct event) from effect");
    std::string why;
    if (found != expected ||
        different != std::to_string(repeats ? distinct(chosen.messages) : std::stoull(expected)))
        why = found + " effects, " + different + " different ones, of " + expected;
    print(chosen, measured, wal, why);
    return 0;
}

} // namespace
} // namespace corvid::bench

int main(int argc, char** argv) { return corvid::bench::run(corvid::bench::parse(argc, argv)); }
