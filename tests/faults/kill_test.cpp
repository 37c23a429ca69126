// SPDX-License-Identifier: Apache-2.0
//
// A consumer that is killed with kill -9 at random points, on a real broker.
#include "rig.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace corvid::faults {
namespace {

/// Kills a worker again and again while a sender goes on; each life but the last ends at a random point,
/// every fourth one while it still joins.
findings kill_workers(int kills, const std::string& test, const std::string& bug = {}) {
    rig stand(test);
    auto load = stand.start_sender();
    for (int i = 0; i < kills; ++i) {
        const std::uint64_t before = stand.processed_so_far();
        auto worker = stand.start_worker(bug);
        if (i % 4 != 3) {
            EXPECT_TRUE(stand.eventually([&] { return stand.processed_so_far() > before; }, 30s))
                << "life " << i;
        }
        stand.let_pass(stand.between(50ms, 1'500ms));
        worker->send_signal(SIGKILL);
        EXPECT_EQ(worker->wait(5s), 128 + SIGKILL);
        stand.observe_commits();
    }
    auto last = stand.start_worker(bug);
    stand.let_pass(500ms);
    EXPECT_TRUE(load->finish(30s)) << "not every send was answered";
    EXPECT_TRUE(stand.caught_up(60s));
    last->send_signal(SIGTERM);
    EXPECT_EQ(last->wait(30s), 0) << "the last life did not end well";
    EXPECT_EQ(load->count(fate::state::acknowledged), load->fates().size());
    stand.figure("kills", static_cast<std::uint64_t>(kills));
    return stand.conclude({load.get()}, false, bug.empty());
}

TEST(consumer_kill_test, nothing_is_lost_and_only_what_is_not_committed_comes_again) {
    const auto found = kill_workers(is_long_form() ? 60 : 8, "consumer_kill");
    EXPECT_TRUE(found.green()) << found.text();
    EXPECT_GT(found.redelivered, 0u) << "no kill hit any work: this run shows nothing";
}

TEST(consumer_kill_test, a_worker_that_says_done_too_early_turns_the_checker_red) {
    const auto found = kill_workers(3, "seeded_bug_done_first", "done_first");
    EXPECT_GT(found.lost, 0u);
    EXPECT_GT(found.ahead_of_work, 0u);
}

TEST(consumer_kill_test, a_worker_that_ignores_the_commit_turns_the_checker_red) {
    const auto found = kill_workers(2, "seeded_bug_from_beginning", "from_beginning");
    EXPECT_GT(found.below_commit, 0u);
    EXPECT_EQ(found.lost, 0u) << found.text();
}

TEST(consumer_kill_test, a_worker_that_swaps_neighbours_turns_the_checker_red) {
    const auto found = kill_workers(1, "seeded_bug_swap", "swap");
    EXPECT_GT(found.out_of_order, 0u);
}

} // namespace
} // namespace corvid::faults
