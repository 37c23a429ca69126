// SPDX-License-Identifier: Apache-2.0
#include <corvid/testing/sample_test.hpp>

#include <map>
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
        s.on<order_placed>(
            "patient",
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

TEST(world, what_is_not_consumed_is_told_with_seed_place_and_reason) {
    world w(4711);
    w.start([](corvid::service& s) {
        s.on<order_placed>(
            "stuck", [](const order_placed&) { throw std::runtime_error("no such customer"); },
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

} // namespace
} // namespace corvid::testing
