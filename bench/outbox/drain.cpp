// SPDX-License-Identifier: Apache-2.0
// A full outbox, sent by a relay that starts now.
#include <corvid/kafka/cluster.hpp>
#include <corvid/outbox/relay.hpp>

#include <bench/outbox/arms.hpp>

#include <algorithm>

namespace corvid::bench {
namespace {

struct steps {
    static task<bool> migrate(outbox& box) {
        auto making = box.migrate();
        auto made = co_await making;
        if (!made) stop_on(made.error().describe());
        co_return true;
    }
    static task<bool> run(database& db, std::string sql) {
        auto asking = db.execute(sql);
        auto asked = co_await asking;
        if (!asked) stop_on(sql + ": " + asked.error().describe());
        co_return true;
    }
    static task<bool> fill(database& db, const std::string& sql, std::uint64_t first, std::uint64_t last) {
        auto asking = db.execute(sql, static_cast<std::int64_t>(first), static_cast<std::int64_t>(last));
        auto asked = co_await asking;
        if (!asked) stop_on("fill: " + asked.error().describe());
        co_return true;
    }
    static task<std::int64_t> number(database& db, std::string sql) {
        auto asking = db.query<std::int64_t>(sql);
        auto asked = co_await asking;
        if (!asked) stop_on(sql + ": " + asked.error().describe());
        co_return asked->front();
    }
};

} // namespace

std::int64_t ask_number(database& db, const std::string& sql) {
    return wait_for(db.threads(), db.loop(), steps::number(db, sql));
}

void make_tables(const outbox_options& chosen) {
    threaded_scheduler root;
    database db(root, {.url = chosen.url, .pool_size = 1});
    for (const char* sql : {"drop schema public cascade", "create schema public"})
        wait_for(root, db.loop(), steps::run(db, sql));
    outbox box(db);
    wait_for(root, db.loop(), steps::migrate(box));
}

// As transactions would have left them, 10,000 rows each; written by the server alone.
outbox_outcome fill(const outbox_options& chosen) {
    constexpr std::uint64_t at_once = 10'000;
    threaded_scheduler root;
    database db(root, {.url = chosen.url, .pool_size = 1, .statement_deadline = std::chrono::minutes{5}});
    const std::string sql =
        "insert into outbox(seq, shard, id, aggregate_type, aggregate_id, event_type, topic, payload, "
        "headers) "
        "select nextval(('outbox_seq_' || k % 8)::regclass), k % 8, id, 'bench', 'key-' || lpad(k::text, 6, "
        "'0'), "
        "'bench', '" +
        chosen.topic +
        "', convert_to(rpad(k || ' ' || n || ' ' || i || ' ', 200, '.'), 'UTF8'), '{\"correlation_id\":\"' "
        "|| id || "
        "'\",\"idempotency_key\":\"' || id || '\",\"traceparent\":\"00-' || md5(i::text) || "
        "'-00f067aa0ba902b7-01\"}' from (select i, i % " +
        std::to_string(chosen.keys) + " as k, i / " + std::to_string(chosen.keys) +
        " as n, gen_random_uuid()::text as id from generate_series($1::int8, $2::int8) i) e";
    for (std::uint64_t first = 0; first < chosen.messages; first += at_once)
        wait_for(root, db.loop(),
                 steps::fill(db, sql, first, std::min(first + at_once, chosen.messages) - 1));
    wait_for(root, db.loop(), steps::run(db, "analyze outbox"));
    wait_for(root, db.loop(), steps::run(db, "checkpoint"));
    return {};
}

outbox_outcome drain(const outbox_options& chosen) {
    threaded_scheduler root;
    metrics figures("bench");
    const database_settings settings{.url = chosen.url};
    database db(root, settings);
    kafka::cluster cluster({.bootstrap = chosen.bootstrap});
    outbox box(db);
    publisher out(cluster, root, {}, default_logger(), &figures);
    const counter sent = figures.counter_of(metric::outbox_published, {settings.name, "acked"});
    outbox_outcome ran;
    ran.measured.begin();
    {
        relay working(box, out, {.per_aggregate = chosen.per_aggregate}, &figures);
        const auto until = root.steady_now() + std::chrono::minutes{4};
        signal never;
        while (sent.value() < chosen.messages && root.steady_now() < until)
            (void)root.wait(never, root.steady_now() + std::chrono::milliseconds{1});
        ran.measured.end();
    }
    (void)out.close(std::chrono::seconds{10});
    const auto dead = ask_number(
        db,
        "select coalesce(sum(n_dead_tup), 0)::int8 from pg_stat_user_tables where relname like 'outbox%'");
    ran.more = ",\"dead_tuples\":" + std::to_string(dead);
    return ran;
}

} // namespace corvid::bench
