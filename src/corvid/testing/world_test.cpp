// SPDX-License-Identifier: Apache-2.0
#include <corvid/testing/sample_test.hpp>

#include <map>
#include <memory>
#include <set>

namespace corvid::testing {
namespace {

using ::testing::HasSubstr;

TEST(world, runs_a_service_until_all_is_consumed) {
    world w(1);
    std::multiset<std::string> seen;
    w.start([&](corvid::service& s) {
        s.on<order_placed>("plain", [&](const order_placed& o) { seen.insert(o.customer); });
    });
    publish_orders(w, 10, 5);
    w.run_until_consumed();
    EXPECT_EQ(seen.size(), 50u);
    EXPECT_EQ(w.handled("service.plain").size(), 50u);
    std::int64_t sum = 0;
    for (const auto& [partition, next] : w.committed("service.plain", "shop.order.placed"))
        sum += next;
    EXPECT_EQ(sum, 50);
    EXPECT_LT(w.now(), 10s);
}

TEST(world, back_offs_of_minutes_take_no_time) {
    world w(2);
    int failures = 0;
    w.start([&](corvid::service& s) {
        s.on<order_placed>("patient",
                           [&](const order_placed&) {
                               if (++failures < 6) throw std::runtime_error("not yet");
                           },
                           {.retry = {.first = 5min, .factor = 2, .limit = 10, .jitter = 0, .cap = 2h}});
    });
    w.publish(order_placed{"a", 0}).run_until_consumed();
    EXPECT_EQ(failures, 6);
    EXPECT_GE(w.now(), 5min + 10min + 20min + 40min + 80min);
}

TEST(world, a_crash_before_the_commit_delivers_again_and_after_it_does_not) {
    for (const auto& [where, times] : {std::pair(before_commit, 2u), std::pair(after_commit, 1u)}) {
        world w(3);
        w.start([](corvid::service& s) { s.on<order_placed>("plain", [](const order_placed&) {}); });
        w.publish(order_placed{"a", 0}).crash_at(where).run_until_consumed();
        w.run_for(2min);
        EXPECT_EQ(w.crashes(), 1u);
        EXPECT_EQ(w.handled().size(), times) << to_string(where.before) << w.describe();
    }
}

TEST(world, nothing_of_any_handler_runs_at_its_end) {
    for (const int shape : {0, 1, 2}) {
        bool is_over = false;
        int late = 0, begun = 0;
        {
            world w(5);
            w.start([&](corvid::service& s) {
                const auto works = [&]() -> task<void> {
                    ++begun;
                    co_await sleep(2s);
                    late += is_over;
                };
                if (shape == 0)
                    s.on<order_placed>("x", [=](const order_placed&) -> task<void> { co_await works(); });
                if (shape == 1)
                    s.on_batch<order_placed>("x", [=](std::span<const received<order_placed>>) -> task<void> {
                        co_await works();
                    });
                if (shape == 2)
                    s.on_batch<order_placed>("x", [&](std::span<const received<order_placed>>) {
                        ++begun;
                        late += is_over;
                    });
            });
            w.run_for(1s);
            publish_orders(w, 20, 3);
            w.run_for(700ms);
            publish_orders(w, 20, 3);
            is_over = true;
        }
        EXPECT_GT(begun, 0);
        EXPECT_EQ(late, 0) << shape;
    }
}

TEST(world, what_was_polled_before_a_rebalance_takes_no_commit_back) {
    world w(11, {.partitions = 1});
    std::optional<message_stream<order_placed>> in;
    w.start([&](corvid::service& s) {
        in.emplace(s.stream<order_placed>("scan", {.commit = commit_mode::by_hand}));
    });
    publish_orders(w, 1, 10);
    w.run_for(1s);
    std::vector<polled<order_placed>> had;
    for (int i = 0; i < 10; ++i)
        had.push_back(in->poll(1s));
    had.back().commit_up_to();
    w.run_for(3s);
    const auto committed = [&] { return w.committed("service.scan", "shop.order.placed")[0]; };
    EXPECT_EQ(committed(), 10);
    w.rebalance().run_for(3s);
    had.front().commit_up_to();
    w.run_for(3s);
    EXPECT_EQ(committed(), 10);
}

TEST(world, limits_of_a_handler_hold_as_outside_of_it) {
    for (const bool awaits : {false, true}) {
        world w(4);
        std::size_t handled = 0;
        w.start([&](corvid::service& s) {
            const subscription_options limited{.rate = {.per_second = 40}, .bulkhead = {.at_once = 1}};
            if (awaits)
                s.on<order_placed>(
                    "slow",
                    [&](const order_placed&, context& ctx) -> task<void> {
                        co_await ctx.sleep(1ms);
                        ++handled;
                    },
                    limited);
            else
                s.on<order_placed>("slow", [&](const order_placed&) { ++handled; }, limited);
        });
        publish_orders(w, 10, 20);
        w.run_until_consumed(1min);
        EXPECT_EQ(handled, 200u);
        EXPECT_GE(w.now(), 4s) << "40 in a second";
    }
}

TEST(world, what_is_not_consumed_is_told_with_seed_place_and_reason) {
    world w(4711);
    w.start([](corvid::service& s) {
        s.on<order_placed>("stuck", [](const order_placed&) { throw std::runtime_error("no such customer"); },
                           {.retry = {.first = 1h, .limit = 1'000, .cap = 1h}});
    });
    w.publish(order_placed{"a", 0}, {.partition = partition_id(2)});
    try {
        w.run_until_consumed(10min);
        FAIL() << "it cannot be consumed";
    } catch (const std::runtime_error& told) {
        const std::string text = told.what();
        EXPECT_THAT(text, HasSubstr("world of seed 4711"));
        EXPECT_THAT(text, HasSubstr("shop.order.placed[2]: committed 0 of 1, owned by service-1"));
        EXPECT_THAT(text, HasSubstr("waits in service-1, attempt 1"));
        EXPECT_THAT(text, HasSubstr("no such customer"));
    }
}

void count(corvid::service& s, std::size_t& into) {
    s.on<order_placed>("plain", [&](const order_placed&) { ++into; });
}

TEST(world, faults_pass_and_nothing_is_lost) {
    world w(5);
    std::size_t handled = 0;
    w.start([&](corvid::service& s) { count(s, handled); });
    publish_orders(w, 5, 4);
    w.broker_down_for(1min).run_for(30s);
    EXPECT_EQ(handled, 0u);
    w.fail_commits(3).run_until_consumed();
    EXPECT_EQ(handled, 20u);
    EXPECT_GE(w.now(), 1min);
    std::size_t refused = 0;
    for (const commit_seen& each : w.commits())
        refused += !each.accepted;
    EXPECT_GE(refused, 3u);
}

TEST(world, what_is_published_while_the_broker_is_away_is_waited_for) {
    world w(6);
    std::size_t handled = 0;
    w.start([&](corvid::service& s) { count(s, handled); }).run_for(1s);
    w.broker_down_for(10s);
    publish_orders(w, 3, 1);
    w.run_until_consumed();
    EXPECT_EQ(handled, 3u);
}

TEST(world, a_dead_letter_that_may_be_lost_is_sent_again) {
    for (const auto persisted : {broker::persistence::no, broker::persistence::yes}) {
        world w(7);
        w.publish(order_placed{"a", 0}).run_for(1s).fail_sends(1, persisted);
        w.start([](corvid::service& s) {
            s.on<order_placed>("none", [](const order_placed&) -> outcome { return dead_letter("never"); });
        });
        w.run_until_consumed();
        EXPECT_EQ(w.dead_letters<order_placed>("service.none").size(),
                  persisted == broker::persistence::no ? 1u : 2u)
            << w.describe();
    }
}

TEST(world, instances_come_and_go_by_name) {
    world w(8);
    std::size_t handled = 0;
    w.start([&](corvid::service& s) { count(s, handled); }, named("shop", 2)).run_for(5s);
    EXPECT_EQ(w.broker().script().describe("shop.plain").members.size(), 2u);
    w.scale("shop", 4).run_for(5s);
    EXPECT_EQ(w.broker().script().describe("shop.plain").members.size(), 4u);
    w.scale("shop", 1).run_for(5s);
    ASSERT_EQ(w.broker().script().describe("shop.plain").members.size(), 1u);
    EXPECT_EQ(w.stop("shop-1"), exit_code::clean);
    publish_orders(w, 4, 4);
    w.start_again("shop-1").run_until_consumed();
    EXPECT_EQ(handled, 16u);
    EXPECT_THROW(w.stop("shop-9"), std::invalid_argument);
    EXPECT_THROW(w.scale("store", 1), std::invalid_argument);
}

TEST(world, several_services_hand_on_to_each_other) {
    world w(9);
    std::size_t mailed = 0;
    w.start(
        [](corvid::service& s) {
            s.on<order_placed>("invoices", [&s](const order_placed& o) {
                (void)s.producer().post(invoice_issued{o.customer, o.n});
            });
        },
        named("billing"));
    w.start(
        [&](corvid::service& s) { s.on<invoice_issued>("mail", [&](const invoice_issued&) { ++mailed; }); },
        named("mailing"));
    publish_orders(w, 6, 6);
    w.run_until_consumed();
    EXPECT_EQ(mailed, 36u);
}

TEST(world, a_rebalance_in_the_middle_loses_and_repeats_nothing_that_could_drain) {
    world w(10);
    std::multiset<std::pair<std::string, int>> seen;
    w.start(
        [&](corvid::service& s) {
            s.on<order_placed>("slow", [&](const order_placed& o, context& ctx) -> task<void> {
                co_await ctx.sleep(100ms);
                seen.emplace(o.customer, o.n);
            });
        },
        named("shop", 3));
    publish_orders(w, 10, 20);
    w.after(500ms, [&] { w.rebalance(); }).after(1s, [&] { w.rebalance("shop.slow"); }).run_until_consumed();
    EXPECT_EQ(seen.size(), 200u);
    EXPECT_EQ(std::set(seen.begin(), seen.end()).size(), 200u);
}

TEST(world, at_its_end_no_handler_looks_at_what_is_gone) {
    world w(11);
    {
        auto gone = std::make_unique<std::set<int>>();
        w.start([&](corvid::service& s) {
            s.on<order_placed>("plain", [&gone = *gone](const order_placed& o) { gone.insert(o.n); });
            s.on<order_placed>("slow", [&gone = *gone](const order_placed& o, context& ctx) -> task<void> {
                const int mine = o.n;
                co_await ctx.sleep(10s);
                gone.insert(mine);
            });
        });
        publish_orders(w, 10, 10);
        w.run_for(3s);
        publish_orders(w, 10, 10);
    }
}

TEST(world, bytes_that_are_no_message_go_to_the_dead_letters_and_cannot_be_read_out) {
    world w(12);
    std::size_t handled = 0;
    w.start([&](corvid::service& s) { count(s, handled); });
    w.publish_bytes("shop.order.placed", "k", "{").run_until_consumed();
    EXPECT_EQ(w.dead_letters("shop.order.placed", "service.plain").size(), 1u);
    EXPECT_THROW((void)w.topic<order_placed>(), std::runtime_error);
    EXPECT_EQ(handled, 0u);
}

} // namespace
} // namespace corvid::testing
