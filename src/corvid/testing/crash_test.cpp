// SPDX-License-Identifier: Apache-2.0
//
// What a crash leaves behind, and what it never does.
#include <corvid/testing/matchers.hpp>
#include <corvid/testing/sample_test.hpp>

#include <algorithm>
#include <memory>
#include <set>

namespace corvid::testing {
namespace {

constexpr point points[] = {before_handler.within(30), after_handler.within(30), before_commit.within(2),
                            after_commit.within(2),    any_handler.within(30),   any_commit.within(2),
                            before_send.within(30),    after_send.within(30)};

/// Orders in, invoices out, with coroutines that take their time.
void invoices(corvid::service& s) {
    s.on<order_placed>("invoices", [&s](const order_placed& o, context& ctx) -> task<outcome> {
        const invoice_issued made{o.customer, o.n};
        co_await ctx.sleep(std::chrono::milliseconds(1 + o.n % 7));
        auto sent = co_await s.producer().send(made);
        if (!sent) co_return retry(sent.error());
        co_return done;
    });
}

TEST(crash, at_any_point_each_order_has_its_invoice_and_each_key_its_order) {
    std::size_t crashes = 0;
    for (std::uint64_t seed = 1; seed <= 40; ++seed)
        for (const point& where : points) {
            world w(seed);
            w.start(invoices, named("billing", 2)).crash_at(where);
            publish_orders(w, 8, 10);
            w.run_until_consumed();
            std::set<std::pair<std::string, int>> issued;
            for (const auto& each : w.topic<invoice_issued>())
                issued.emplace(each->customer, each->n);
            ASSERT_EQ(issued.size(), 80u) << w.describe();
            ASSERT_THAT(w.topic<invoice_issued>(), in_order_by_key(&invoice_issued::n));
            crashes += w.crashes();
        }
    EXPECT_GT(crashes, 40 * std::size(points) * 3 / 4) << "the points are hardly ever reached";
}

TEST(crash, nothing_of_a_dead_instance_runs_and_no_destructor) {
    struct guard {
        explicit guard(int& of) : alive(of) { ++alive; }
        ~guard() { --alive; }
        int& alive;
    };
    int alive = 0;
    std::size_t finished = 0;
    {
        world w(5);
        w.start([&](corvid::service& s) {
            s.on<order_placed>("slow", [&](const order_placed&, context& ctx) -> task<outcome> {
                const guard mine(alive);
                co_await ctx.sleep(10s);
                ++finished;
                co_return done;
            });
        });
        publish_orders(w, 20, 1);
        w.run_for(5s);
        EXPECT_EQ(alive, 20);
        w.crash({.instance = "service-1", .restart_after = {}}).run_for(1h);
        EXPECT_EQ(w.crashes(), 1u);
    }
    EXPECT_EQ(alive, 20);
    EXPECT_EQ(finished, 0u);
}

TEST(crash, a_dead_member_is_missed_only_when_its_session_ends) {
    world w(6);
    std::size_t handled = 0;
    w.start([&](corvid::service& s) { s.on<order_placed>("plain", [&](const order_placed&) { ++handled; }); },
            named("shop", 2));
    w.run_for(5s);
    w.crash({.instance = "shop-1", .restart_after = {}});
    publish_orders(w, 40, 1);
    w.run_for(40s);
    EXPECT_GT(handled, 0u);
    EXPECT_LT(handled, 40u) << "the dead one's partitions wait";
    w.run_until_consumed(10s);
    EXPECT_EQ(handled, 40u);
}

TEST(crash, between_dead_letter_and_commit_leaves_it_twice_and_before_it_once) {
    for (const auto& [where, letters] :
         {std::pair(before_dead_letter, 1u), std::pair(after_dead_letter, 2u)}) {
        world w(7);
        w.start([](corvid::service& s) {
            s.on<order_placed>("none", [](const order_placed&) -> outcome { return dead_letter("never"); });
        });
        w.publish(order_placed{"a", 1}).crash_at(where).run_until_consumed();
        EXPECT_EQ(w.crashes(), 1u);
        EXPECT_EQ(w.dead_letters<order_placed>("service.none").size(), letters);
        EXPECT_THAT((order_placed{"a", 1}), is_dead_lettered(w, "service.none"));
    }
}

TEST(crash, worlds_of_one_seed_are_the_same_event_for_event) {
    const auto run = [](std::uint64_t seed) {
        world w(seed);
        w.start(invoices, named("billing", 3)).crash_at(any_commit.within(4)).crash_at(any_send.within(50));
        publish_orders(w, 10, 10);
        w.after(2s, [&] { w.rebalance(); }).run_until_consumed();
        return w.trace();
    };
    EXPECT_EQ(run(11), run(11));
    EXPECT_NE(run(11), run(12));
}

TEST(crash, a_handler_may_let_its_own_instance_die) {
    world w(9);
    int times = 0;
    w.start([&](corvid::service& s) {
        s.on<order_placed>("fragile", [&](const order_placed& o) {
            if (o.n == 3 && ++times == 1) w.crash({.instance = "service-1"});
        });
    });
    publish_orders(w, 1, 10);
    w.run_until_consumed();
    EXPECT_EQ(times, 2);
    EXPECT_EQ(w.crashes(), 1u);
    EXPECT_THAT(w.handled(), in_order_by_key());
}

} // namespace
} // namespace corvid::testing
