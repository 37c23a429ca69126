// SPDX-License-Identifier: Apache-2.0
#include "effect_check.hpp"

#include <gtest/gtest.h>

namespace corvid::faults {
namespace {

TEST(effect_check, finds_what_is_missing_twice_or_out_of_order) {
    const auto sent_one = [](std::uint64_t id, fate::state is) { return fate{.id = id, .is = is}; };
    const std::vector<fate> sent{
        sent_one(1, fate::state::acknowledged), sent_one(2, fate::state::acknowledged),
        sent_one(3, fate::state::acknowledged), sent_one(4, fate::state::not_persisted)};
    const written first{.id = 1, .key = 7, .seq = 0, .partition = 2, .offset = 10};
    const written second{.id = 2, .key = 7, .seq = 1, .partition = 2, .offset = 11};
    const written third{.id = 3, .key = 8, .seq = 0, .partition = 2, .offset = 12};
    EXPECT_TRUE(judge({first, second, third}, sent).green(true));
    EXPECT_EQ(judge({first, second}, sent).missing, 1u);
    EXPECT_EQ(judge({first, second, third, second}, sent).twice, 1u);
    EXPECT_EQ(judge({second, first, third}, sent).reorder, 1u);
    const effect_findings across = judge({first, third, second}, sent);
    EXPECT_EQ(across.out_of_place, 1u);
    EXPECT_TRUE(across.green(false)) << across.text();
    EXPECT_FALSE(across.green(true));
}

TEST(effect_check, finds_an_event_that_did_not_leave_left_without_its_effect_or_out_of_order) {
    const written first{.id = 1, .key = 7, .seq = 0};
    const written second{.id = 2, .key = 7, .seq = 1};
    const auto compared = [&](const std::vector<written>& events) {
        effect_findings found = judge({first, second}, {});
        compare_events({first, second}, events, found);
        return found;
    };
    EXPECT_TRUE(compared({first, second, first}).green(true)) << "again is no fault";
    EXPECT_EQ(compared({first, second, first}).events_again, 1u);
    EXPECT_EQ(compared({second}).unsent, 1u);
    EXPECT_EQ(compared({second, first}).event_reorder, 1u);
    EXPECT_EQ(compared({first, second, {.id = 3, .key = 8}}).unfounded, 1u);
}

} // namespace
} // namespace corvid::faults
