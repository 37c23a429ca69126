// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/simulation.hpp>
#include <corvid/middleware/deadline.hpp>

#include <gtest/gtest.h>

namespace corvid {
namespace {

using namespace std::chrono_literals;

struct deadline_test : testing::Test {
    simulation sim{3};
    stop_source outer;
};

TEST_F(deadline_test, an_attempt_that_lets_its_loop_run_is_asked_to_stop_in_time) {
    deadline d(2s, outer.token());
    d.begin(sim.steady_now(), &sim);
    sim.run_for(2s - 1ns);
    EXPECT_FALSE(d.token().stop_requested());
    sim.run_for(1ns);
    EXPECT_EQ(d.token().reason(), stop_reason::deadline);
    EXPECT_TRUE(d.end(sim.steady_now()));
}

TEST_F(deadline_test, one_that_does_not_is_asked_when_it_looks) {
    deadline d(2s, outer.token());
    d.begin(sim.steady_now(), nullptr);
    sim.advance(1s);
    d.look(sim.steady_now());
    EXPECT_FALSE(d.token().stop_requested());
    sim.advance(1s);
    d.look(sim.steady_now());
    EXPECT_EQ(d.token().reason(), stop_reason::deadline);
}

TEST_F(deadline_test, each_attempt_has_the_whole_time_and_leaves_no_timer) {
    deadline d(2s, outer.token());
    for (int i = 0; i < 5; ++i) {
        d.begin(sim.steady_now(), &sim);
        EXPECT_FALSE(d.token().stop_requested()) << i;
        sim.run_for(i % 2 == 0 ? 3s : 1s);
        EXPECT_EQ(d.end(sim.steady_now()), i % 2 == 0) << i;
    }
    EXPECT_FALSE(sim.step());
}

TEST_F(deadline_test, what_else_asks_to_stop_is_handed_on_with_its_reason) {
    deadline d(2s, outer.token());
    d.begin(sim.steady_now(), &sim);
    sim.run_for(3s);
    ASSERT_TRUE(d.end(sim.steady_now()));
    d.begin(sim.steady_now(), &sim);
    outer.request(stop_reason::revoked);
    EXPECT_EQ(d.token().reason(), stop_reason::revoked);
    EXPECT_FALSE(d.end(sim.steady_now()));
    d.begin(sim.steady_now(), &sim); // the partition is still going
    EXPECT_EQ(d.token().reason(), stop_reason::revoked);
    EXPECT_FALSE(d.end(sim.steady_now()));
}

TEST_F(deadline_test, one_that_goes_while_an_attempt_is_inside_takes_its_timer_along) {
    {
        deadline d(2s, outer.token());
        d.begin(sim.steady_now(), &sim);
    }
    EXPECT_FALSE(sim.step());
}

} // namespace
} // namespace corvid
