// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/scheduler.hpp>
#include <corvid/base/simulation.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <vector>

namespace corvid {
namespace {

struct call : work {
    explicit call(std::function<void()> f)
        : work([](work& w) noexcept { static_cast<call&>(w).todo(); }), todo(std::move(f)) {}
    std::function<void()> todo;
};

TEST(turn, runs_what_hangs_in_it_when_it_ends_in_order) {
    std::vector<int> seen;
    call first([&] { seen.push_back(1); });
    call second([&] { seen.push_back(2); });
    {
        const turn one;
        ASSERT_TRUE(turn::at_end(first));
        ASSERT_TRUE(turn::at_end(second));
        EXPECT_TRUE(seen.empty());
    }
    EXPECT_EQ(seen, (std::vector{1, 2}));
}

TEST(turn, takes_nothing_where_none_is_open) {
    call never([] { FAIL(); });
    EXPECT_FALSE(turn::at_end(never));
    { const turn ended; }
    EXPECT_FALSE(turn::at_end(never));
}

TEST(turn, ends_also_what_hangs_itself_in_while_it_ends) {
    int times = 0;
    call again([&] {
        ++times;
        EXPECT_EQ(times < 3 && turn::at_end(again), times < 3);
    });
    {
        const turn one;
        ASSERT_TRUE(turn::at_end(again));
    }
    EXPECT_EQ(times, 3);
}

TEST(turn, within_another_ends_for_itself) {
    std::vector<int> seen;
    call outer([&] { seen.push_back(1); });
    call inner([&] { seen.push_back(2); });
    {
        const turn one;
        ASSERT_TRUE(turn::at_end(outer));
        {
            const turn two;
            ASSERT_TRUE(turn::at_end(inner));
        }
        EXPECT_EQ(seen, (std::vector{2}));
    }
    EXPECT_EQ(seen, (std::vector{2, 1}));
}

TEST(turn, is_open_around_each_node_of_a_simulated_loop) {
    simulation sim(1);
    bool ended = false;
    call end([&] { ended = true; });
    call node([&] { EXPECT_TRUE(turn::at_end(end)); });
    sim.post(node);
    sim.run_until_idle();
    EXPECT_TRUE(ended);
}

} // namespace
} // namespace corvid
