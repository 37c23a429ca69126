// SPDX-License-Identifier: Apache-2.0
//
// Dead keys of a service: parked, released and discarded, with instances that die at any point of it.
#include <corvid/testing/matchers.hpp>
#include <corvid/testing/sample_test.hpp>

#include <algorithm>
#include <map>
#include <set>

namespace corvid::testing {
namespace {

constexpr std::string_view parked_topic = "shop.order.placed.shop.ledger.parked";
constexpr std::string_view keys_topic = "shop.order.placed.shop.ledger.parked-keys";

/// Books orders; those in `poison` are rejected.
struct ledger {
    std::set<std::pair<std::string, int>> poison = {};
    std::map<std::string, std::vector<int>> booked = {};

    void build(corvid::service& s) {
        s.on<order_placed>("ledger",
                           [this](const order_placed& o, context& ctx) -> task<outcome> {
                               co_await ctx.sleep(std::chrono::milliseconds(1 + o.n % 5));
                               if (poison.contains({o.customer, o.n}))
                                   co_return dead_letter("it does not add up");
                               booked[o.customer].push_back(o.n);
                               co_return done;
                           },
                           {.rejected = when_rejected::park_key});
    }
    /// Without what came again.
    [[nodiscard]] std::vector<int> first_of(const std::string& customer) const {
        std::vector<int> first;
        const auto its = booked.find(customer);
        for (const int n : its == booked.end() ? std::vector<int>() : its->second)
            if (std::ranges::find(first, n) == first.end()) first.push_back(n);
        return first;
    }
};

std::function<void(corvid::service&)> of(ledger& l) {
    return [&l](corvid::service& s) { l.build(s); };
}

/// Asks for all partitions, as another process would.
void ask(world& w, const std::string& customer, std::string_view what) {
    for (std::uint32_t p = 0; p < 4; ++p) {
        const std::string key = "ask:" + std::to_string(p) + ':' + customer;
        send_options to;
        to.partition_modulo = p;
        w.publish_bytes(keys_topic, std::string_view(key), what, to);
    }
}

TEST(parking, a_dead_key_is_listed_released_and_then_live) {
    world w(1);
    ledger l{.poison = {{"c0", 1}}};
    w.start(of(l), named("shop", 2));
    publish_orders(w, 3, 4);
    w.run_until_consumed();
    EXPECT_EQ(l.booked["c0"], std::vector{0});
    EXPECT_EQ(l.booked["c1"].size(), 4u);
    EXPECT_EQ(w.records(parked_topic).size(), 2u);
    EXPECT_THAT((order_placed{"c0", 1}), is_dead_lettered(w, "shop.ledger"));

    const parked_keys parked = w.service("shop-2").parked("ledger");
    const auto dead = parked.list();
    ASSERT_TRUE(dead) << dead.error().describe();
    ASSERT_EQ(dead->size(), 1u);
    EXPECT_EQ(dead->front().key, "c0");
    EXPECT_EQ(dead->front().where.topic.str(), "shop.order.placed");
    EXPECT_FALSE(dead->front().asked_for);

    EXPECT_EQ(parked.release("c1").value(), 0u) << "it lives";
    EXPECT_EQ(parked.release("c0").value(), 1u);
    publish_orders(w, 1, 2, 4);
    w.run_until_consumed();
    w.run_for(10s);
    EXPECT_EQ(l.booked["c0"], (std::vector{0, 2, 3, 4, 5}));
    EXPECT_TRUE(parked.list()->empty());
}

TEST(parking, what_is_discarded_does_not_run_and_what_comes_later_does) {
    world w(2);
    ledger l{.poison = {{"c0", 0}}};
    w.start(of(l), named("shop"));
    publish_orders(w, 1, 4);
    w.run_until_consumed();
    EXPECT_EQ(w.service().parked("ledger").discard("c0").value(), 1u);
    w.run_for(10s);
    publish_orders(w, 1, 2, 4);
    w.run_until_consumed();
    EXPECT_EQ(l.booked["c0"], (std::vector{4, 5}));
}

TEST(parking, is_only_of_subscriptions_that_say_so) {
    world w(3);
    w.start([](corvid::service& s) { s.on<order_placed>("plain", [](const order_placed&) {}); });
    EXPECT_THROW((void)w.service().parked("plain"), config_error);
    EXPECT_THROW((void)w.service().parked("none"), config_error);
}

constexpr point parking_points[] = {before_handler.within(60),
                                    after_handler.within(60),
                                    any_commit.within(4),
                                    any_dead_letter.within(3),
                                    any_send.within(20).in(parked_topic),
                                    any_send.within(12).in(keys_topic)};

/// Lives and deaths of two instances while keys die and are released.
void run_history(world& w, ledger& l, const point& where) {
    l.poison = {{"c0", 2}, {"c0", 7}, {"c1", 0}, {"c2", 11}};
    w.start(of(l), named("shop", 2)).crash_at(where);
    publish_orders(w, 4, 6);
    w.after(1s, [&] { ask(w, "c0", "corvid1;release"); });
    w.after(3s, [&] { w.rebalance(); });
    w.run_for(2s);
    publish_orders(w, 4, 6, 6);
    w.crash_at(where).run_until_consumed();
    for (int round = 0; round < 4; ++round) {
        for (const char* const customer : {"c0", "c1", "c2"})
            ask(w, customer, "corvid1;release");
        w.run_for(2min);
    }
}

TEST(parking, through_deaths_at_any_point_each_order_is_booked_in_order_or_a_dead_letter) {
    std::size_t crashes = 0;
    for (std::uint64_t seed = 1; seed <= 40; ++seed)
        for (const point& where : parking_points) {
            world w(seed);
            ledger l;
            run_history(w, l, where);
            crashes += w.crashes();
            for (int c = 0; c < 4; ++c) {
                const std::string customer = "c" + std::to_string(c);
                std::vector<int> expected;
                for (int n = 0; n < 12; ++n)
                    if (!l.poison.contains({customer, n})) expected.push_back(n);
                ASSERT_EQ(l.first_of(customer), expected) << customer << '\n' << w.describe();
            }
            for (const auto& [customer, n] : l.poison)
                ASSERT_THAT((order_placed{customer, n}), is_dead_lettered(w, "shop.ledger")) << w.describe();
        }
    EXPECT_GT(crashes, 40 * std::size(parking_points)) << "the points are hardly ever reached";
}

} // namespace
} // namespace corvid::testing
