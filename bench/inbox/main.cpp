// SPDX-License-Identifier: Apache-2.0
//
// One arm of the inbox bench: `inbox_arm --arm guard_16 --url postgresql://… --messages N` prints one JSON
// line.
#include <bench/inbox/arms.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <unordered_set>

namespace corvid::bench {

std::string id_of(std::uint64_t number) {
    std::array<char, 40> text{};
    const auto scattered = static_cast<unsigned long long>(number * 0x9e3779b97f4a7c15U);
    std::snprintf(text.data(), text.size(), "%012llx-7%03llx-%016llx",
                  static_cast<unsigned long long>(number / 8),
                  static_cast<unsigned long long>(number % 4'096), scattered);
    return text.data();
}

std::uint64_t distinct(std::uint64_t messages) {
    std::unordered_set<std::uint64_t> seen;
    for (std::uint64_t i = 0; i < messages; ++i)
        seen.insert(number_of(i));
    return seen.size();
}

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

inbox_options parse(int argc, char** argv) {
    inbox_options chosen;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string_view name = argv[i];
        if (name == "--arm") chosen.arm = argv[i + 1];
        if (name == "--url") chosen.url = argv[i + 1];
        if (name == "--messages") chosen.messages = std::strtoull(argv[i + 1], nullptr, 10);
    }
    return chosen;
}

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
    const arm_function arm = peer_arm(chosen.arm) ? peer_arm(chosen.arm) : corvid_arm(chosen.arm);
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
    const std::string expected = std::to_string(distinct(chosen.messages));
    const std::string found = ask(admin.get(), "select count(*) from effect"),
                      different = ask(admin.get(), "select count(distinct event) from effect");
    std::string why;
    if (found != expected || different != expected)
        why = found + " effects, " + different + " different ones, of " + expected;
    print(chosen, measured, wal, why);
    return 0;
}

} // namespace
} // namespace corvid::bench

int main(int argc, char** argv) { return corvid::bench::run(corvid::bench::parse(argc, argv)); }
