// SPDX-License-Identifier: Apache-2.0
//
// R9: the broker that leads is killed and started again, and then the one that leads next.
#include "rig.hpp"

#include <gtest/gtest.h>

namespace corvid::faults {
namespace {

constexpr int rate = 2'000;

TEST(leader_bounce_test, what_was_acknowledged_is_handled_and_each_key_keeps_its_order) {
    rig stand("R9", {.brokers = 3});
    auto load = stand.start_sender({.records_per_second = rate});
    stand.start_workers();
    const std::size_t bounces = sized<std::size_t>(5, 1);
    for (std::size_t i = 0; i < bounces; ++i) {
        const int leader = stand.eye().leader_of(0);
        ASSERT_GT(leader, 0) << "partition 0 has no leader";
        stand.fault();
        stand.kafka().kill(leader);
        EXPECT_TRUE(stand.eventually(
            [&] {
                const int next = stand.eye().leader_of(0);
                return next > 0 && next != leader;
            },
            30s))
            << "nobody else leads";
        stand.let_pass(stand.between(1'000ms, 4'000ms));
        stand.kafka().start();
        stand.let_pass(sized<std::chrono::milliseconds>(10s, 5s)); // until it is in sync again
        EXPECT_TRUE(stand.moves_everywhere(60s)) << "the group did not go on";
    }
    EXPECT_TRUE(load->finish(120s)) << "not every send was answered";
    EXPECT_TRUE(stand.caught_up(60s));
    stand.stop_workers();
    stand.figure("max_ack_gap_s", load->max_silence_s());
    const allowance excused{.duplicates = bounces * 4 * rate, .zombies = true};
    const auto found = stand.conclude({load.get()}, excused);
    EXPECT_TRUE(found.green(excused)) << found.text();
}

} // namespace
} // namespace corvid::faults
