// SPDX-License-Identifier: Apache-2.0
//
// Subscriptions by pattern: what they read, and that what a group writes itself is none of it.
#include <corvid/testing/sample_test.hpp>

namespace corvid::testing {
namespace {

outcome reject(const order_placed&) { return dead_letter("no"); }

TEST(a_pattern, reads_no_dead_letters_of_its_own_group) {
    world w(2);
    w.start([](corvid::service& s) { s.on<order_placed>("inv", reject, {.pattern = "^shop\\.order\\..*"}); });
    w.publish(order_placed{"a", 0}).run_for(2min);
    EXPECT_EQ(w.handled().size(), 1u) << w.describe();
    EXPECT_EQ(w.dead_letters("shop.order.placed", "service.inv").size(), 1u);
}

TEST(a_pattern, lets_no_record_go_round_between_two_groups_that_read_each_others_dead_letters) {
    world w(3);
    w.start([](corvid::service& s) {
        for (const char* name : {"one", "two"})
            s.on<order_placed>(name, reject, {.pattern = "shop\\..*"});
    });
    w.publish(order_placed{"a", 0}).run_for(10min);
    EXPECT_EQ(w.handled("service.one").size(), 2u) << "its record, and the dead letter of the other";
    EXPECT_EQ(w.handled("service.two").size(), 2u);
}

TEST(a_pattern, reads_nothing_that_is_parked_for_its_group) {
    world w(4);
    w.start([](corvid::service& s) {
        s.on<order_placed>(
            "inv",
            [](const order_placed& o) -> outcome { return o.n == 0 ? dead_letter("no") : outcome(done); },
            {.pattern = "shop\\.order\\..*", .rejected = when_rejected::park_key});
    });
    for (int n = 0; n < 3; ++n)
        w.publish(order_placed{"a", n});
    w.publish(order_placed{"b", 1}).run_for(2min);
    EXPECT_EQ(w.handled().size(), 2u) << "the one that died, and the other key's" << w.describe();
    EXPECT_EQ(w.records("shop.order.placed.service.inv.parked").size(), 2u);
}

} // namespace
} // namespace corvid::testing
