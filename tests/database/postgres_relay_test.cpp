// SPDX-License-Identifier: Apache-2.0
// Writers and relays of an outbox while sessions die under them.
#include "postgres_server.hpp"
#include "relay_harness.hpp"

namespace corvid::test {
namespace {

struct fates {
    std::set<std::string> good, unknown;
};

task<void> write_account(database& db, std::uint64_t seed, int events, fates& became, int& running) {
    prng random(seed);
    for (int n = 0; n < events; ++n) {
        unit_of_work unit;
        std::vector<std::string> ids;
        for (int a = 0; a < 3; ++a) {
            if (random.chance(0.5)) continue;
            const std::string account = std::to_string(seed) + 'a' + std::to_string(a);
            ids.push_back(account + '-' + std::to_string(n));
            publish(unit, invoice_issued{.account = account, .n = n}, {.event_id = ids.back()});
        }
        auto writing = db.write(std::move(unit));
        const auto written = co_await writing;
        if (written) became.good.insert(ids.begin(), ids.end());
        if (!written && written.error().code() == errc::commit_unknown)
            became.unknown.insert(ids.begin(), ids.end());
    }
    --running;
}

task<void> end_sessions(const int& running, std::string application, int& deaths) {
    const auto admin = connect_raw(postgres_url());
    while (running > 0) {
        co_await sleep(60ms);
        ask_raw(admin.get(), "select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity where "
                             "application_name = '" +
                                 application + "'");
        ++deaths;
    }
}

TEST_F(relaying, loses_nothing_when_sessions_die_again_and_again) {
    const std::string url = here_->url();
    const auto from = url.find("application_name=") + 17;
    begin_relay({.lease = 1s, .pause = {.first = 5ms, .cap = 50ms}});
    begin_relay({.lease = 1s, .pause = {.first = 5ms, .cap = 50ms}});
    fates became;
    int running = 4, deaths = 0;
    task_scope scope;
    for (std::uint64_t w = 0; w < 4; ++w)
        scope.spawn(client_->loop(), write_account(*db_, w, 150, became, running));
    scope.spawn(client_->loop(), end_sessions(running, url.substr(from, url.find('&') - from), deaths));
    scope.wait(root_);
    EXPECT_GE(deaths, 2);
    EXPECT_TRUE(until([&] {
        auto left =
            get(db_->query<std::int64_t>("select count(*) from outbox_status where state = 'pending'"));
        return left && left->front() == 0;
    }));
    std::set<std::string> came;
    for (const auto& [id, times] : ids())
        came.insert(id);
    for (const std::string& id : became.good)
        EXPECT_TRUE(came.contains(id)) << id;
    for (const std::string& id : came)
        EXPECT_TRUE(became.good.contains(id) || became.unknown.contains(id)) << id;
}

// A transaction that stays open for long delays its own events, and no others.
TEST_F(relaying, is_not_delayed_by_a_transaction_that_stays_open) {
    begin_relay();
    const auto other = connect_raw(here_->url());
    ask_raw(other.get(), "begin");
    ask_raw(other.get(), "select pg_current_xact_id()::text");
    ask_raw(other.get(), "select nextval('outbox_seq_' || s) from generate_series(0, 7) s");
    for (int n = 0; n < 20; ++n)
        commit("a" + std::to_string(n % 4), n);
    EXPECT_TRUE(wait_for_all_sent());
    EXPECT_EQ(ids().size(), 20U);
    const auto held = "select count(*) from outbox_positions where frontier < reached";
    EXPECT_TRUE(until([&] { return read<std::int64_t>(held).at(0) > 0; }));
    ask_raw(other.get(), "rollback");
    EXPECT_TRUE(until([&] { return read<std::int64_t>(held).at(0) == 0; }));
}

// To plan a look costs more than to run it. The view tells how the session that reads it was set.
TEST_F(relaying, has_its_looks_planned_once) {
    commit("a", 1);
    const auto other = connect_raw(here_->url());
    ask_raw(other.get(), "create table looks(planned text)");
    ask_raw(other.get(),
            "create function noted() returns boolean language sql volatile as $$ insert into looks "
            "values (current_setting('plan_cache_mode')) returning true $$");
    ask_raw(other.get(), "alter table outbox rename to outbox_all");
    ask_raw(other.get(), "create view outbox as select * from outbox_all where noted()");
    begin_relay();
    EXPECT_TRUE(wait_for_all_sent());
    EXPECT_GT(read<std::int64_t>("select count(*) from looks where planned = 'force_generic_plan'").at(0), 0);
}

} // namespace
} // namespace corvid::test
