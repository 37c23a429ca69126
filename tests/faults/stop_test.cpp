// SPDX-License-Identifier: Apache-2.0
//
// R1: orderly stops under load, on a real broker: one of four workers is always on its way out or in.
#include "rig.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>

namespace corvid::faults {
namespace {

TEST(graceful_stop_test, a_worker_that_does_not_commit_at_its_stop_turns_the_checker_red) {
    rig stand("R1, bug no_last_commit", {.workers = 1});
    const std::vector<std::string> told = {"bug=no_last_commit"};
    auto load = stand.start_sender();
    stand.start_workers(told);
    stand.fault();
    stand.worker(0).send_signal(SIGTERM);
    EXPECT_EQ(stand.worker(0).wait(30s), 0);
    stand.replace(0, told);
    EXPECT_TRUE(load->finish(30s));
    EXPECT_TRUE(stand.caught_up(60s));
    stand.stop_workers();
    const auto found = stand.conclude({load.get()}, {}, false);
    EXPECT_FALSE(found.green());
    EXPECT_GT(found.duplicates, 0u);
    EXPECT_EQ(found.lost, 0u) << found.text();
}

constexpr double drain_s = 20; // of every worker that is told no other

TEST(graceful_stop_test, a_worker_that_lingers_turns_the_length_of_a_stop_red) {
    rig stand("R1, bug lingers", {.workers = 1, .work = {"drain_ms=2000"}});
    auto load = stand.start_sender();
    stand.start_workers({"bug=lingers"});
    stand.fault();
    const std::int64_t asked = stand.now_ns();
    stand.worker(0).send_signal(SIGTERM);
    EXPECT_EQ(stand.worker(0).wait(30s), 0);
    const double took = stand.seconds_since(asked);
    EXPECT_GT(took, 2) << "it has lingered within its time";
    EXPECT_TRUE(load->finish(30s));
    if (took > 2) stand.turn_red();
    stand.figure("drain_p99_s", took);
    (void)stand.conclude({}, {}, false);
}

TEST(graceful_stop_test, a_rolling_restart_loses_nothing_and_repeats_nothing) {
    rig stand("R1");
    auto load = stand.start_sender();
    stand.start_workers();
    const std::size_t stops = sized<std::size_t>(50, 5);
    std::vector<double> exits;
    for (std::size_t i = 0; i < stops; ++i) {
        const std::size_t which = i % 4;
        stand.let_pass(stand.between(100ms, 1'500ms));
        stand.fault();
        const std::int64_t asked = stand.now_ns();
        stand.worker(which).send_signal(SIGTERM);
        EXPECT_EQ(stand.worker(which).wait(30s), 0) << "stop " << i << " was not clean";
        exits.push_back(stand.seconds_since(asked));
        stand.replace(which);
        EXPECT_TRUE(stand.works(which, 30s)) << "life " << i << " handles nothing";
    }
    EXPECT_TRUE(load->finish(30s)) << "not every send was answered";
    EXPECT_TRUE(stand.caught_up(60s));
    stand.stop_workers();
    std::ranges::sort(exits);
    EXPECT_LT(exits.back(), drain_s) << "a stop takes as long as it drains";
    stand.figure("drain_p99_s", exits[(exits.size() * 99 - 1) / 100]);
    const auto found = stand.conclude({load.get()});
    EXPECT_TRUE(found.green()) << found.text();
    EXPECT_EQ(found.handled, load->sent_so_far());
}

} // namespace
} // namespace corvid::faults
