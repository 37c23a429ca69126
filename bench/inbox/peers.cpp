// SPDX-License-Identifier: Apache-2.0
// What is usually written by hand with libpq: a guard transaction for each event, and whole batches by
// unnest.
#include <bench/inbox/arms.hpp>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

namespace corvid::bench {
namespace {

PGresult* checked(PGconn* on, PGresult* r) {
    const auto status = PQresultStatus(r);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        std::fprintf(stderr, "bench: %s\n", PQerrorMessage(on));
        std::exit(2);
    }
    return r;
}

void prepare(PGconn* on, const char* name, const char* sql) {
    PQclear(checked(on, PQprepare(on, name, sql, 0, nullptr)));
}

int changed(PGconn* on, const char* name, const std::vector<const char*>& values) {
    PGresult* const r = checked(
        on, PQexecPrepared(on, name, static_cast<int>(values.size()), values.data(), nullptr, nullptr, 0));
    const int rows = std::atoi(PQcmdTuples(r));
    PQclear(r);
    return rows;
}

void plain(PGconn* on, const char* sql) { PQclear(checked(on, PQexec(on, sql))); }

// begin; insert the mark; if it was new the effect; commit: as the usual inbox of a framework does it.
class guard {
public:
    explicit guard(const std::string& url) : on_(connect(url)) {
        prepare(on_.get(), "mark", "insert into mark(id) values ($1) on conflict do nothing");
        prepare(on_.get(), "effect", "insert into effect(event, cents) values ($1, 100)");
    }
    void process(std::uint64_t number) {
        const std::string id = id_of(number), event = std::to_string(number);
        plain(on_.get(), "begin");
        if (changed(on_.get(), "mark", {id.c_str()}) == 1) changed(on_.get(), "effect", {event.c_str()});
        plain(on_.get(), "commit");
    }

private:
    connection on_;
};

void guards(const inbox_options& chosen, span& measured, std::size_t connections) {
    std::vector<guard> all;
    for (std::size_t i = 0; i < connections; ++i)
        all.emplace_back(chosen.url);
    std::atomic<std::uint64_t> next = 0;
    measured.begin();
    std::vector<std::thread> threads;
    for (guard& each : all)
        threads.emplace_back([&] {
            for (std::uint64_t i = next++; i < chosen.messages; i = next++)
                each.process(number_of(i));
        });
    for (std::thread& each : threads)
        each.join();
    measured.end();
}

// One statement a batch of 500, one batch after the other; text arrays, as drivers send them.
void unnest(const inbox_options& chosen, span& measured) {
    const connection on = connect(chosen.url);
    prepare(on.get(), "batch",
            "with fresh as (insert into mark(id) select distinct i from unnest($1::text[]) i on conflict do "
            "nothing returning id) "
            "insert into effect(event, cents) select distinct on (e.id) e.event, 100 from unnest($1::text[], "
            "$2::bigint[]) "
            "e(id, event) join fresh on fresh.id = e.id");
    measured.begin();
    for (std::uint64_t i = 0; i < chosen.messages;) {
        std::string ids = "{", events = "{";
        for (const std::uint64_t end = std::min<std::uint64_t>(i + 500, chosen.messages); i < end; ++i) {
            if (ids.size() > 1) (ids += ',', events += ',');
            ids += id_of(number_of(i));
            events += std::to_string(number_of(i));
        }
        changed(on.get(), "batch", {(ids += '}').c_str(), (events += '}').c_str()});
    }
    measured.end();
}

} // namespace

arm_function peer_arm(std::string_view name) {
    if (name == "guard_single")
        return [](const inbox_options& chosen, span& measured) { guards(chosen, measured, 1); };
    if (name == "guard_16")
        return [](const inbox_options& chosen, span& measured) { guards(chosen, measured, 16); };
    if (name == "hand_unnest") return &unnest;
    return nullptr;
}

} // namespace corvid::bench
