// SPDX-License-Identifier: Apache-2.0
#include "relay_harness.hpp"

namespace corvid::test {
namespace {

TEST_F(relaying, sends_what_was_committed_with_its_key_headers_and_time) {
    begin_relay();
    commit("a", 1);
    unit_of_work unit;
    publish_tombstone<invoice_issued>(unit, "b");
    ASSERT_TRUE(get(db_->write(std::move(unit))));
    ASSERT_TRUE(wait_for_all_sent());
    auto all = records();
    ASSERT_EQ(all.size(), 2U);
    std::ranges::sort(all, {}, [](const auto& each) { return *each.key; });
    EXPECT_EQ(*all[0].key, "a");
    EXPECT_EQ(*all[0].value, R"({"account":"a","n":1})");
    EXPECT_EQ(header(all[0], "idempotency_key"), "a-1");
    EXPECT_EQ(header(all[0], "correlation_id"), "a-1");
    EXPECT_EQ(header(all[0], "traceparent").size(), 55U);
    EXPECT_EQ(*all[1].key, "b");
    EXPECT_FALSE(all[1].value);
}

TEST_F(relaying, sends_what_was_written_before_it_began) {
    for (int n = 0; n < 50; ++n)
        commit("a" + std::to_string(n % 5), n);
    begin_relay();
    ASSERT_TRUE(wait_for_all_sent());
    EXPECT_EQ(ids().size(), 50U);
}

TEST_F(relaying, needs_a_producer_whose_acknowledgement_means_durable) {
    publisher hasty(broker_, root_, {.sink = {.idempotent = false, .acks = broker::acknowledgements::leader}},
                    quiet(), nullptr);
    EXPECT_THROW(relay(box(), hasty, {}, nullptr, quiet()), config_error);
}

constexpr int bank_accounts = 8, bank_writers = 4, rounds = 50;

task<void> write(database& db, std::uint64_t seed, std::vector<int>& next, std::set<std::string>& good,
                 std::string& failures) {
    prng random(seed);
    for (int n = 0; n < rounds; ++n) {
        // an account has one writer, so that its order is known
        const auto a = seed * 2 + random.below(2);
        const std::string account = "a" + std::to_string(a);
        const int number = next[a]++;
        unit_of_work unit;
        const std::string id = account + '-' + std::to_string(number);
        publish(unit, invoice_issued{.account = account, .n = number}, {.event_id = id});
        auto opening = db.begin();
        auto open = co_await opening;
        if (!open) {
            failures += open.error().describe() + '\n';
            continue;
        }
        if (random.chance(0.2)) {
            auto ending = open->rollback();
            static_cast<void>(co_await ending);
            continue;
        }
        auto ending = open->commit(std::move(unit));
        auto ended = co_await ending;
        if (ended)
            good.insert(id);
        else
            failures += ended.error().describe() + '\n';
    }
}

// Writers overlap, take long, and some roll back.
TEST_F(relaying, sends_each_event_of_overlapping_transactions_in_the_order_of_commits) {
    run("create table counter(account " + type("text") + " primary key, n " + type("bigint") + " not null)");
    begin_relay();
    begin_relay();
    std::string failures;
    std::vector<int> next(bank_accounts);
    std::set<std::string> good;
    task_scope scope;
    for (std::uint64_t w = 0; w < bank_writers; ++w)
        scope.spawn(client_->loop(), write(*db_, w, next, good, failures));
    scope.wait(root_);
    EXPECT_EQ(failures, "");
    ASSERT_TRUE(wait_for_all_sent());
    std::set<std::string> came;
    for (const auto& [id, times] : ids())
        came.insert(id);
    EXPECT_EQ(came, good);
}

TEST_F(relaying, goes_on_where_a_relay_died_and_repeats_no_more_than_was_not_saved) {
    relay& first = begin_relay({.lease = 1s, .pause = {.first = 60s, .cap = 60s}});
    for (int n = 0; n < 40; ++n)
        commit("a" + std::to_string(n % 4), n);
    ASSERT_TRUE(wait_for_all_sent());
    // these two are in the log, and the relay does not know it when it dies
    broker_.script().fail_sends(2, error(errc::possibly_persisted), broker::persistence::possibly);
    commit("a0", 100);
    commit("a1", 100);
    ASSERT_TRUE(until([&] { return records().size() == 42; }));
    first.abandon();
    commit("a0", 101);
    begin_relay({.lease = 1s});
    ASSERT_TRUE(wait_for_all_sent());
    const auto times = ids();
    EXPECT_EQ(times.size(), 43U);
    for (const auto& [id, count] : times)
        EXPECT_EQ(count, id == "a0-100" || id == "a1-100" ? 2 : 1) << id;
}

TEST_F(relaying, a_closed_relay_leaves_its_work_at_once) {
    relay& first = begin_relay({.lease = 60s});
    commit("a", 1);
    ASSERT_TRUE(wait_for_all_sent());
    first.close();
    begin_relay({.lease = 60s});
    commit("a", 2);
    ASSERT_TRUE(wait_for_all_sent());
    for (const auto& [id, count] : ids())
        EXPECT_EQ(count, 1) << id;
}

TEST_F(relaying, several_relays_share_the_shards) {
    if (!postgres()) return; // one shard
    for (int n = 0; n < 3; ++n)
        begin_relay({.name = std::string(1, static_cast<char>('a' + n)), .lease = 1s});
    EXPECT_TRUE(until([&] {
        std::map<std::string, int> of;
        for (const auto& each : read<std::optional<std::string>>("select owner from outbox_positions"))
            if (each) ++of[*each];
        return of == std::map<std::string, int>{{"a", 3}, {"b", 3}, {"c", 2}};
    }));
}

TEST_F(relaying, parks_what_no_broker_takes_while_others_go_on) {
    begin_relay();
    unit_of_work unit;
    publish(unit, outbox_event{.topic = "no.such.topic", .key = "a", .payload = "x"}, {.event_id = "bad"});
    publish(unit, outbox_event{.topic = "test.other", .key = "a", .payload = "x"}, {.event_id = "good"});
    ASSERT_TRUE(get(db_->write(std::move(unit))));
    ASSERT_TRUE(wait_for_all_sent());
    EXPECT_EQ(records("test.other").size(), 1U);
    EXPECT_EQ(count_of("parked"), 1U);
    const auto reason = read<std::string>("select reason from outbox_status where id = 'bad'");
    EXPECT_NE(reason.at(0).find("no.such.topic"), std::string::npos) << reason.at(0);
    const auto kept = read<std::string>("select id from outbox_parked");
    EXPECT_EQ(kept, std::vector<std::string>{"bad"});
}

TEST_F(relaying, sends_again_what_the_broker_could_not_take_in_order) {
    begin_relay({.pause = {.first = 5ms, .cap = 20ms}});
    broker_.script().fail_sends(30, error(errc::not_persisted));
    for (int n = 0; n < 60; ++n)
        commit("a" + std::to_string(n % 3), n);
    ASSERT_TRUE(wait_for_all_sent());
    EXPECT_EQ(ids().size(), 60U);
}

TEST_F(relaying, marks_rows_where_it_is_told_to) {
    begin_relay({.mark_rows = true});
    commit("a", 1);
    EXPECT_TRUE(until([&] {
        return read<std::int64_t>("select count(*) from outbox where published_at is not null").at(0) == 1;
    }));
}

TEST_F(relaying, removes_what_was_sent_and_is_old_and_nothing_else) {
    for (int n = 0; n < 20; ++n)
        commit("a" + std::to_string(n), n);
    begin_relay({.retention = 0s, .shed_every = 1s});
    EXPECT_TRUE(until([&] {
        return read<std::int64_t>("select count(*) from outbox").at(0) == 0 && records().size() == 20;
    }));
    commit("a", 100);
    ASSERT_TRUE(until([&] { return records().size() == 21; }));
    EXPECT_EQ(ids().size(), 21U);
}

} // namespace
} // namespace corvid::test
