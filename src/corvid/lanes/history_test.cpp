// SPDX-License-Identifier: Apache-2.0
//
// What lanes/ promises, over random histories of an engine built from it; and each checker shown red, on an
// engine with its bug.
#include <corvid/base/random_test.hpp>
#include <corvid/lanes/history_world.hpp>

#include <gtest/gtest.h>

namespace corvid::lanes_test {
namespace {

void run_histories(order how, std::uint64_t count) {
    for (std::uint64_t seed = 1; seed <= histories(count); ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        world w(seed, how, bug::none);
        const history h = w.run();
        ASSERT_EQ(committed_past_unfinished(h), std::nullopt);
        ASSERT_EQ(left_unfinished(h), std::nullopt);
        ASSERT_EQ(revoked_epoch_changed_something(h), std::nullopt);
        if (how != unordered) {
            ASSERT_EQ(lane_ran_twice_at_once(h), std::nullopt);
            ASSERT_EQ(overtook(h), std::nullopt);
        }
        ASSERT_EQ(starved(h), std::nullopt);
        ASSERT_TRUE(w.is_clean());
        ASSERT_EQ(w.counted(), intake_gate::figures());
    }
}

TEST(lanes_history, by_key_every_history_keeps_every_promise) { run_histories(by_key, 50'000); }
TEST(lanes_history, by_partition_every_history_keeps_every_promise) { run_histories(by_partition, 25'000); }
TEST(lanes_history, unordered_every_history_keeps_its_promises) { run_histories(unordered, 25'000); }

bool turns_red(verdict_text (*checker)(const history&), bug with) {
    for (std::uint64_t seed = 1; seed <= 300; ++seed)
        if (checker(world(seed, by_key, with).run())) return true;
    return false;
}

TEST(lanes_history, each_checker_sees_its_bug) {
    EXPECT_TRUE(turns_red(committed_past_unfinished, bug::commits_the_end));
    EXPECT_TRUE(turns_red(lane_ran_twice_at_once, bug::forgets_locks));
    EXPECT_TRUE(turns_red(overtook, bug::retries_behind));
    EXPECT_TRUE(turns_red(left_unfinished, bug::loses_retries));
    EXPECT_TRUE(turns_red(revoked_epoch_changed_something, bug::marks_by_partition));
    EXPECT_TRUE(turns_red(starved, bug::prefers_lower_lanes));
}

} // namespace
} // namespace corvid::lanes_test
