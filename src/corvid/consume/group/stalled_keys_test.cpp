// SPDX-License-Identifier: Apache-2.0
//
// What waits for long behind its key does not keep others from being taken in.
#include <corvid/consume/detail/group_world_test.hpp>

namespace corvid::consume_test {
namespace {

struct observed {
    bool stands_still = true;
    int healthy = 0;
};

/// Stays with each record whose key begins with "slow" while it is to stand still, and counts the others.
auto watching(observed& by) {
    return [&by](const keyed& e, context& ctx) -> task<void> {
        if (!e.key.starts_with("slow")) {
            ++by.healthy;
            co_return;
        }
        while (by.stands_still)
            co_await ctx.sleep(1s);
    };
}

class stalled_keys : public testing::TestWithParam<int> {};

TEST_P(stalled_keys, however_many_records_stand_behind_them_leave_all_others_moving) {
    group_world w(6, 4);
    observed by;
    auto loop = w.join(watching(by), {.concurrency = 256});
    for (int n = 0; n < 300; ++n)
        for (int k = 0; k < GetParam(); ++k)
            w.publish("slow" + std::to_string(k));
    w.flush();
    w.sim.run_for(20s);
    w.publish(100, 10);
    w.sim.run_for(20s);
    EXPECT_EQ(by.healthy, 1'000);
    by.stands_still = false;
    EXPECT_EQ(w.end(*loop), loop_end::clean);
}
INSTANTIATE_TEST_SUITE_P(by_count, stalled_keys, testing::Values(16, 64, 200));

TEST(stalled_key, of_large_records_leaves_the_other_partitions_moving) {
    group_world w(6, 4);
    observed by;
    auto loop = w.join(watching(by), {.concurrency = 256, .intake = {.runnable_bytes = 1 << 20}});
    message_producer to(*w.out);
    const std::string large = R"({"key":"slow","n":0,"x":")" + std::string(30'000, 'x') + "\"}";
    for (int n = 0; n < 100; ++n)
        ASSERT_TRUE(to.post(**to.topic(keyed_topic.str()), "slow", large, {}));
    w.flush();
    w.sim.run_for(5s);
    w.publish(100, 10);
    w.sim.run_for(20s);
    EXPECT_EQ(by.healthy, 1'000);
    by.stands_still = false;
    EXPECT_EQ(w.end(*loop), loop_end::clean);
}

TEST(stalled_key, whose_dead_letter_is_not_acknowledged_leaves_all_others_moving) {
    group_world w(6, 4);
    int healthy = 0;
    for (int n = 0; n < 300; ++n)
        for (int k = 0; k < 32; ++k)
            w.publish("bad" + std::to_string(k));
    w.publish(100, 10);
    w.cluster.script().delay_sends(1h);
    auto loop = w.join(
        [&](const keyed& e) {
            if (e.key.starts_with("bad")) throw rejected("no such plane");
            ++healthy;
        },
        {.failure = {.rejected = when_rejected::dead_letters}, .intake = {.runnable_records = 1'000}});
    w.sim.run_for(20s);
    EXPECT_EQ(healthy, 1'000);
    w.end(*loop, 0s, 0s);
}

} // namespace
} // namespace corvid::consume_test
