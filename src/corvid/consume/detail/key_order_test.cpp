// SPDX-License-Identifier: Apache-2.0
//
// What may run beside what, and what a record that fails does to the others.
#include <corvid/consume/blocking.hpp>
#include <corvid/consume/detail/group_world_test.hpp>

namespace corvid::consume_test {
namespace {

constexpr exponential patient{.first = 10s, .factor = 1, .limit = 4, .jitter = 0};

/// Works `length` long on each, and tells the witness.
auto worker(witness& sees, duration length) {
    return [&sees, length](const keyed& e, context& ctx) -> task<void> {
        sees.began(e.key);
        co_await ctx.sleep(length);
        sees.left(e.key);
        sees.finished(e);
    };
}

TEST(key_order, a_key_in_back_off_delays_itself_alone_and_keeps_its_order) {
    group_world w(1);
    witness sees;
    std::map<std::string, int> failures;
    auto loop = w.join(
        [&](const keyed& e) {
            if (e.key == "k7" && e.n == 3 && ++failures["k7"] < 4) throw std::runtime_error("not yet");
            sees.finished(e);
        },
        {.failure = {.retry = patient}});
    w.publish(100, 10);
    w.sim.run_for(2s);
    EXPECT_EQ(sees.done["k7"].size(), 3u);
    for (int k = 0; k < 100; ++k)
        if (k != 7) {
            EXPECT_EQ(sees.done["k" + std::to_string(k)].size(), 10u) << "held up by another key: k" << k;
        }
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 5min));
    sees.expect_each_once(w.published);
    EXPECT_EQ(w.end(*loop), loop_end::clean);
}

TEST(key_order, coroutines_of_many_keys_run_at_once_and_those_of_one_key_one_by_one) {
    group_world w(2);
    witness sees;
    auto loop = w.join(worker(sees, 1s), {.concurrency = 1'000});
    w.publish(3'000, 4);
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 5min));
    EXPECT_EQ(sees.most, 1'000u) << "what concurrency says, no more and no less";
    sees.expect_each_once(w.published);
    EXPECT_EQ(w.end(*loop), loop_end::clean);
}

TEST(key_order, by_partition_one_record_of_a_partition_runs_at_a_time) {
    group_world w(3);
    witness sees;
    auto loop = w.join(worker(sees, 10ms), {.order = by_partition});
    w.publish(50, 10);
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 5min));
    EXPECT_LE(sees.most, 4u);
    sees.expect_each_once(w.published);
    w.end(*loop);
}

TEST(key_order, unordered_a_record_that_fails_delays_no_other_not_even_of_its_key) {
    group_world w(4);
    std::multiset<int> seen;
    int failures = 0;
    auto loop = w.join(
        [&](const keyed& e) {
            if (e.n == 0 && ++failures < 4) throw std::runtime_error("not yet");
            seen.insert(e.n);
        },
        {.order = unordered, .failure = {.retry = patient}});
    w.publish(1, 50);
    w.sim.run_for(2s);
    EXPECT_EQ(seen.size(), 49u);
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 5min));
    EXPECT_EQ(seen.size(), 50u);
    EXPECT_EQ(std::set<int>(seen.begin(), seen.end()).size(), 50u);
    w.end(*loop);
}

TEST(key_order, unordered_coroutines_of_one_key_run_at_once) {
    group_world w(5);
    std::size_t at_once = 0, most = 0, over = 0;
    auto loop = w.join(
        [&](const keyed&, context& ctx) -> task<void> {
            most = std::max(most, ++at_once);
            co_await ctx.sleep(1s);
            --at_once;
            ++over;
        },
        {.order = unordered, .concurrency = 64});
    w.publish(1, 200);
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 5min));
    EXPECT_EQ(most, 64u);
    EXPECT_EQ(over, 200u);
    w.end(*loop);
}

TEST(key_order, where_handlers_are_behind_all_partitions_get_on_at_one_pace) {
    group_world w(20);
    std::map<std::int32_t, int> done_of;
    auto handler = [&](const keyed&, context& ctx) -> task<void> {
        co_await ctx.sleep(10ms);
        ++done_of[ctx.partition().value];
    };
    w.publish(400, 25);
    auto loop = w.join(handler, {.concurrency = 64, .intake = {.runnable_records = 512}});
    const auto half_done = [&] {
        int sum = 0;
        for (const auto& [partition, n] : done_of)
            sum += n;
        return sum >= w.count / 2;
    };
    EXPECT_TRUE(w.sim.run_until(half_done, 5min));
    for (std::int32_t p = 0; p < w.partitions; ++p)
        EXPECT_GT(done_of[p], w.count / w.partitions / 4) << "partition " << p << " stood behind the others";
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 5min));
    EXPECT_EQ(w.end(*loop), loop_end::clean);
}

TEST(key_order, an_extractor_orders_by_what_it_says_over_all_partitions) {
    group_world w(6);
    witness sees;
    auto by_last_digit = [](const record_origin& r) {
        return std::optional(std::string(1, r.source->key.text().back()));
    };
    auto handler = [&](const keyed& e, context& ctx) -> task<void> {
        const std::string group(1, e.key.back());
        sees.began(group);
        co_await ctx.sleep(10ms);
        sees.left(group);
        sees.finished(e);
    };
    auto loop = w.join(handler, {.key = by_last_digit});
    w.publish(100, 5);
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 5min));
    EXPECT_EQ(sees.most, 10u);
    sees.expect_each_once(w.published);
    w.end(*loop);
}

TEST(key_order, blocking_handlers_run_on_the_pool_off_the_loop) {
    group_world w(7);
    witness sees;
    blocking_pool pool(w.sim, 3);
    group_loop* joined = nullptr;
    bool on_loop = false;
    auto handler = blocking([&](const keyed& e) {
        on_loop |= scheduler::current() == &joined->loop();
        w.sim.advance(5ms);
        sees.finished(e);
    });
    subscription with;
    with.handle = std::make_unique<pooled_handler>(
        std::make_unique<typed_handler<keyed, decltype(handler)>>(std::move(handler), w.scope), pool);
    auto loop = w.join_with(std::move(with));
    joined = loop.get();
    w.publish(100, 10);
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 5min));
    EXPECT_FALSE(on_loop);
    sees.expect_each_once(w.published);
    EXPECT_EQ(w.end(*loop), loop_end::clean);
}

TEST(key_order, ten_thousand_records_that_always_fail_hold_no_healthy_one_up) {
    group_world w(8);
    std::size_t healthy = 0;
    auto loop = w.join(
        [&](const keyed& e) {
            if (e.key.starts_with("sick")) throw std::runtime_error("never");
            ++healthy;
        },
        {.failure = {.retry = {.first = 30s, .limit = 1'000'000}}});
    for (int i = 0; i < 10'000; ++i)
        w.publish("sick" + std::to_string(i));
    w.publish(1'000, 20);
    EXPECT_TRUE(w.sim.run_until([&] { return healthy == 20'000; }, 2s));
    EXPECT_EQ(w.end(*loop, 0s, 0s), loop_end::clean);
}

TEST(key_order, a_full_waiting_budget_stops_the_partitions_that_fill_it_and_no_other) {
    group_world w(9);
    std::map<std::int32_t, int> healthy;
    auto loop = w.join(
        [&](const received<keyed>& e) {
            if (e->key == "sick") throw std::runtime_error("never");
            ++healthy[e.partition().value];
        },
        {.failure = {.retry = {.first = 1h, .limit = 10, .cap = 2h}}, .intake = {.waiting_bytes = 20'000}});
    for (int i = 0; i < 2'000; ++i)
        w.publish("sick");
    w.flush();
    w.publish(400, 5);
    w.sim.run_for(10s);
    std::map<std::int32_t, int> published;
    int sum = 0;
    for (const auto& [p, n] : healthy)
        sum += n;
    EXPECT_EQ(healthy.size(), 3u) << "the partition of the sick key stands";
    EXPECT_GT(sum, 1'000);
    w.end(*loop, 0s, 0s);
}

TEST(key_order, a_full_window_stops_the_partition_that_a_record_pins) {
    group_world w(10, 1);
    int handled = 0;
    auto loop = w.join(
        [&](const keyed& e) {
            if (e.key == "sick") throw std::runtime_error("never");
            ++handled;
        },
        {.failure = {.retry = {.first = 1h, .limit = 10, .cap = 2h}}, .window = {.max_uncommitted = 1'000}});
    w.publish("sick");
    w.publish(100, 50);
    w.sim.run_for(10s);
    EXPECT_GE(handled, 1'000 - 1);
    EXPECT_LE(handled, 1'000 + 256) << "a batch more than the window at most";
    EXPECT_EQ(w.committed(0), 0);
    w.end(*loop, 0s, 0s);
}

TEST(key_order, a_stop_finishes_what_was_overtaken_so_that_nothing_runs_twice) {
    group_world w(11);
    witness sees;
    auto handler = [&](const keyed& e, context& ctx) -> task<void> {
        sees.began(e.key);
        co_await ctx.sleep(std::chrono::milliseconds(1 + (e.n * 37 + static_cast<int>(e.key.size())) % 20));
        sees.left(e.key);
        sees.finished(e);
    };
    w.publish(500, 20);
    for (int i = 0; i < 20; ++i) {
        auto loop = w.join(handler, {.concurrency = 64});
        w.sim.run_for(std::chrono::milliseconds(50 + 13 * i));
        EXPECT_EQ(w.end(*loop), loop_end::clean);
    }
    auto loop = w.join(handler, {.concurrency = 64});
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 5min));
    sees.expect_each_once(w.published);
    w.end(*loop);
}

TEST(key_order, a_stop_and_a_revoke_wait_for_no_back_off_whatever_partitions_a_lane_is_of) {
    for (const bool stops : {true, false}) {
        group_world w(14);
        const auto shared = [](const record_origin& of) -> std::optional<std::string> {
            const std::string key(of.source->key.text());
            return key.size() == 2 ? std::string("one") : key;
        };
        auto loop = w.join(
            [&](const keyed& e) {
                if (e.key == "k7" && e.n == 0) throw std::runtime_error("not yet");
            },
            {.key = shared, .failure = {.retry = {.first = 10min, .limit = 4, .cap = 10min}}});
        w.publish(40, 10);
        w.sim.run_for(5s);
        const steady_time before = w.sim.steady_now();
        if (stops) {
            EXPECT_EQ(w.end(*loop), loop_end::clean);
            EXPECT_LT(w.sim.steady_now() - before, 1s);
        } else {
            auto other = w.join([](const keyed&) {}, {.key = shared}, {.source = {.client_id = "two"}});
            EXPECT_TRUE(w.sim.wait(other->was_assigned(), before + 10s)) << "the first gives partitions back";
            w.end(*other);
            w.end(*loop);
        }
    }
}

TEST(key_order, a_key_waits_for_its_old_handler_when_its_partition_comes_back) {
    group_world w(12);
    witness sees;
    auto loop = w.join(worker(sees, 40s), {}, {.rebalance_drain = 1s});
    w.publish(20, 2);
    w.sim.run_for(5s);
    EXPECT_EQ(sees.running.size(), 20u);
    w.cluster.script().rebalance("group");
    w.sim.run_for(10s);
    EXPECT_EQ(sees.running.size(), 20u) << "the partitions are back, their keys are at work still";
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 10min));
    EXPECT_FALSE(sees.twice_at_once);
    for (const auto& [key, seen] : sees.done)
        EXPECT_EQ(seen, (std::vector<int>{0, 0, 1}))
            << key << ": what was not committed comes again, in order";
    EXPECT_EQ(w.end(*loop), loop_end::clean);
}

TEST(key_order, what_is_lost_is_neither_committed_nor_begun) {
    group_world w(13);
    witness sees;
    auto loop = w.join(worker(sees, 10s), {.concurrency = 1'000}, {.source = {.client_id = "one"}});
    w.publish(20, 5);
    w.sim.run_for(5s);
    w.cluster.script().fail_commits(1'000, error(errc::timed_out));
    w.cluster.script().lose_assignment("group", "one");
    const std::size_t running = sees.running.size();
    EXPECT_EQ(running, 20u);
    w.sim.run_for(8s);
    std::size_t finished = 0;
    for (const auto& [key, seen] : sees.done)
        finished += seen.size();
    EXPECT_EQ(finished, 20u) << "what was at work ends";
    for (int p = 0; p < 4; ++p)
        EXPECT_EQ(w.committed(p), 0);
    w.cluster.script().fail_commits(0, error(errc::timed_out));
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1h));
    EXPECT_FALSE(sees.twice_at_once);
    w.end(*loop);
}

} // namespace
} // namespace corvid::consume_test
