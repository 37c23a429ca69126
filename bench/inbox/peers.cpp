// SPDX-License-Identifier: Apache-2.0
// What is usually written by hand with libpq: a guard transaction for each event, and whole batches by
// unnest.
#include <bench/inbox/feed.hpp>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <optional>
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
    void process(const event& one) {
        const std::string number = std::to_string(one.number);
        plain(on_.get(), "begin");
        if (changed(on_.get(), "mark", {one.id.c_str()}) == 1) changed(on_.get(), "effect", {number.c_str()});
        plain(on_.get(), "commit");
    }

private:
    connection on_;
};

// What the consumer has fetched and no connection has taken.
class hand_out {
public:
    void put(std::vector<event> more) {
        std::unique_lock lock(mutex_);
        taken_.wait(lock, [&] { return waiting_.size() < 10'000; });
        waiting_.insert(waiting_.end(), std::make_move_iterator(more.begin()),
                        std::make_move_iterator(more.end()));
        came_.notify_all();
    }
    /// None: that was all.
    std::optional<event> take() {
        std::unique_lock lock(mutex_);
        came_.wait(lock, [&] { return over_ || !waiting_.empty(); });
        if (waiting_.empty()) return std::nullopt;
        std::optional one(std::move(waiting_.front()));
        waiting_.pop_front();
        taken_.notify_one();
        return one;
    }
    void end() {
        const std::lock_guard lock(mutex_);
        over_ = true;
        came_.notify_all();
    }

private:
    std::mutex mutex_;
    std::condition_variable came_, taken_;
    std::deque<event> waiting_;
    bool over_ = false;
};

void guards(const inbox_options& chosen, span& measured, std::size_t connections) {
    std::vector<guard> all;
    for (std::size_t i = 0; i < connections; ++i)
        all.emplace_back(chosen.url);
    feed from(chosen);
    hand_out events;
    std::vector<std::thread> threads;
    for (guard& each : all)
        threads.emplace_back([&] {
            while (const auto one = events.take())
                each.process(*one);
        });
    for (std::uint64_t taken = 0; taken < chosen.messages;) {
        std::vector<event> more;
        from.take(std::min<std::uint64_t>(500, chosen.messages - taken), more);
        if (more.empty()) continue;
        if (taken == 0) measured.begin();
        taken += more.size();
        events.put(std::move(more));
    }
    events.end();
    for (std::thread& each : threads)
        each.join();
    measured.end();
    from.close();
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
    feed from(chosen);
    for (std::uint64_t taken = 0; taken < chosen.messages;) {
        std::vector<event> more;
        while (more.size() < 500 && taken + more.size() < chosen.messages) {
            const std::size_t before = more.size();
            from.take(500 - before, more);
            if (taken == 0 && before == 0 && !more.empty()) measured.begin();
        }
        taken += more.size();
        std::string ids = "{", events = "{";
        for (const event& each : more) {
            if (ids.size() > 1) (ids += ',', events += ',');
            ids += each.id;
            events += std::to_string(each.number);
        }
        changed(on.get(), "batch", {(ids += '}').c_str(), (events += '}').c_str()});
    }
    measured.end();
    from.close();
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
