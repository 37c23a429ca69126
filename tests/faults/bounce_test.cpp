// SPDX-License-Identifier: Apache-2.0
//
// R9: the broker that leads is killed and started again, and then the one that leads next.
#include "rig.hpp"

#include <gtest/gtest.h>

namespace corvid::faults {
namespace {

constexpr int brokers = 3;
/// The other brokers stand still for a moment, in which the leader alone can take records, and then it dies.
void bounce(rig& stand, int leader) {
    stand.fault();
    const auto each_other = [&](auto what) {
        for (int node = 1; node <= brokers; ++node)
            if (node != leader) what(node);
    };
    each_other([&](int node) { stand.kafka().freeze(node); });
    stand.let_pass(1'000ms);
    stand.kafka().kill(leader);
    each_other([&](int node) { stand.kafka().thaw(node); });
    EXPECT_TRUE(stand.eventually(
        [&] {
            const int next = stand.eye().leader_of(0);
            return next > 0 && next != leader;
        },
        30s))
        << "nobody else leads";
}

TEST(leader_bounce_test, what_was_acknowledged_is_handled_and_each_key_keeps_its_order) {
    rig stand("R9", {.brokers = brokers});
    auto load = stand.start_sender({.records_per_second = usual_rate});
    stand.start_workers();
    const std::size_t bounces = sized<std::size_t>(5, 1);
    for (std::size_t i = 0; i < bounces; ++i) {
        const int leader = stand.eye().leader_of(0);
        ASSERT_GT(leader, 0) << "partition 0 has no leader";
        bounce(stand, leader);
        stand.let_pass(stand.between(1'000ms, 4'000ms));
        stand.kafka().start();
        stand.let_pass(sized<std::chrono::milliseconds>(10s, 5s)); // until it is in sync again
        EXPECT_TRUE(stand.moves_everywhere(60s)) << "the group did not go on";
    }
    EXPECT_TRUE(load->finish(120s)) << "not every send was answered";
    EXPECT_TRUE(stand.caught_up(60s));
    stand.stop_workers();
    stand.figure("max_ack_gap_s", load->max_silence_s());
    const allowance excused{.duplicates = bounces * 4 * usual_rate, .zombies = true};
    const auto found = stand.conclude({load.get()}, excused);
    EXPECT_TRUE(found.green(excused)) << found.text();
}

TEST(leader_bounce_test, a_sender_that_asks_the_leader_alone_turns_the_checker_red) {
    rig stand("R9, bug acks of the leader", {.brokers = brokers, .workers = 1});
    producer_settings hasty;
    hasty.sink.idempotent = false;
    hasty.sink.acks = broker::acknowledgements::leader;
    auto load = stand.start_sender({.records_per_second = usual_rate, .producer = hasty});
    stand.start_workers();
    bounce(stand, stand.eye().leader_of(0));
    EXPECT_TRUE(stand.moves_everywhere(60s)) << "the group did not go on";
    EXPECT_TRUE(load->finish(120s)) << "not every send was answered";
    EXPECT_TRUE(stand.caught_up(60s));
    stand.stop_workers();
    const auto found = stand.conclude({load.get()}, {.duplicates = 4 * std::uint64_t{usual_rate}}, false);
    EXPECT_GT(found.lost, 0u) << found.text();
}

} // namespace
} // namespace corvid::faults
