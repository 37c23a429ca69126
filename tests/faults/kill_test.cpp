// SPDX-License-Identifier: Apache-2.0
//
// R2: workers that are killed with kill -9 at random points, on a real broker.
#include "rig.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <csignal>

namespace corvid::faults {
namespace {

std::chrono::milliseconds session() { return sized<std::chrono::milliseconds>(6s, 1'500ms); }

struct plan {
    std::size_t kills;
    double mean_s;
    std::string bug = {};
    std::size_t workers = 4;
};

/// Kills a random worker every so often while a sender goes on, and starts it again.
findings kill_workers(const std::string& test, const plan& with) {
    rig stand(test, {.workers = with.workers, .session = session()});
    std::vector<std::string> told;
    if (!with.bug.empty()) told.push_back("bug=" + with.bug);
    auto load = stand.start_sender({.records_per_second = usual_rate});
    stand.start_workers(told);
    EXPECT_TRUE(stand.saw_a_commit(30s));
    for (std::size_t i = 0; i < with.kills; ++i) {
        const double chance = static_cast<double>(stand.below(1'000'000) + 1) / 1e6;
        stand.let_pass(std::chrono::milliseconds(static_cast<long>(-std::log(chance) * with.mean_s * 1e3)));
        const std::size_t which = with.bug.empty() ? stand.below(with.workers) : 0;
        stand.fault();
        stand.worker(which).send_signal(SIGKILL);
        EXPECT_EQ(stand.worker(which).wait(5s), 128 + SIGKILL);
        stand.replace(which, told);
    }
    stand.let_pass(1'000ms);
    EXPECT_TRUE(load->finish(30s)) << "not every send was answered";
    EXPECT_TRUE(stand.caught_up(90s));
    stand.stop_workers();
    EXPECT_EQ(load->count(fate::state::acknowledged), load->sent_so_far());
    stand.figure("kills", static_cast<double>(with.kills));
    return stand.conclude({load.get()}, {.duplicates = with.kills * 2 * usual_rate}, with.bug.empty());
}

TEST(consumer_kill_test, nothing_is_lost_and_only_what_is_not_committed_comes_again) {
    const plan with{.kills = sized<std::size_t>(300, 6), .mean_s = sized(5.0, 2.0)};
    const auto found = kill_workers("R2", with);
    EXPECT_TRUE(found.green({.duplicates = with.kills * 2 * usual_rate})) << found.text();
    EXPECT_GT(found.duplicates, 0u) << "no kill hit any work: this run shows nothing";
}

TEST(consumer_kill_test, a_worker_that_says_done_too_early_turns_the_checker_red) {
    const auto found =
        kill_workers("R2, bug done_first", {.kills = 1, .mean_s = 1, .bug = "done_first", .workers = 1});
    EXPECT_GT(found.lost, 0u);
    EXPECT_GT(found.ahead_of_work, 0u);
}

TEST(consumer_kill_test, a_worker_that_ignores_the_commit_turns_the_checker_red) {
    const auto found = kill_workers("R2, bug from_beginning",
                                    {.kills = 1, .mean_s = 1, .bug = "from_beginning", .workers = 1});
    EXPECT_GT(found.below_commit, 0u);
    EXPECT_EQ(found.lost, 0u) << found.text();
}

TEST(consumer_kill_test, a_worker_that_takes_a_key_in_any_order_turns_the_checker_red) {
    const auto found =
        kill_workers("R2, bug any_order", {.kills = 0, .mean_s = 1, .bug = "any_order", .workers = 1});
    EXPECT_GT(found.reorder, 0u);
    EXPECT_GT(found.overlap, 0u);
}

} // namespace
} // namespace corvid::faults
