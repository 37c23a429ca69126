// SPDX-License-Identifier: Apache-2.0
//
// R4: a worker stands still (SIGSTOP) for one and a half session timeouts and then goes on, a zombie of the
// group. R5: a handler blocks the loop of its group for two poll intervals.
#include "rig.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace corvid::faults {
namespace {

constexpr int rate = 2'000;

TEST(zombie_test, a_worker_that_stood_still_takes_no_commit_back_and_joins_again) {
    const auto session = sized<std::chrono::milliseconds>(6s, 3s);
    rig stand("R4", {.session = session});
    auto load = stand.start_sender({.records_per_second = rate});
    stand.start_workers();
    const std::size_t pauses = sized<std::size_t>(20, 3);
    for (std::size_t i = 0; i < pauses; ++i) {
        stand.let_pass(stand.between(1'000ms, 2'000ms));
        const std::size_t which = stand.below(4);
        stand.fault();
        stand.worker(which).send_signal(SIGSTOP);
        stand.let_pass(session * 3 / 2);
        stand.worker(which).send_signal(SIGCONT);
        stand.let_pass(1'000ms); // what it held is done by then
        EXPECT_TRUE(stand.works(which, 30s)) << "pause " << i << ": it did not join again";
    }
    EXPECT_TRUE(load->finish(30s)) << "not every send was answered";
    EXPECT_TRUE(stand.caught_up(60s));
    stand.stop_workers();
    stand.figure("zombie_commits_refused", static_cast<double>(stand.log().commit_failures()));
    const allowance excused{.duplicates = pauses * 4 * rate, .zombies = true};
    const auto found = stand.conclude({load.get()}, excused);
    EXPECT_TRUE(found.green(excused)) << found.text();
    EXPECT_EQ(found.rewind, 0u);
    EXPECT_LT(found.recovery_s(1), 1.5 * std::chrono::duration<double>(session).count())
        << "the others took over while it stood still";
}

TEST(slow_handler_test, a_loop_that_is_blocked_beyond_the_poll_interval_is_replaced_and_joins_again) {
    const auto interval = sized<std::chrono::milliseconds>(12s, 4s);
    rig stand("R5", {.session = sized<std::chrono::milliseconds>(6s, 3s),
                     .work = {"max_poll_ms=" + std::to_string(interval.count())}});
    auto load = stand.start_sender({.records_per_second = rate});
    stand.start_workers({"block_at=3000", "block_ms=" + std::to_string(2 * interval.count())});
    const int slow = stand.worker(0).pid();
    EXPECT_TRUE(stand.eventually([&] { return stand.log().handled_by(slow) >= 2'999; }, 60s));
    stand.fault();
    stand.let_pass(2 * interval);
    EXPECT_TRUE(stand.works(0, 30s)) << "it did not join again";
    stand.let_pass(1'000ms);
    EXPECT_TRUE(load->finish(30s)) << "not every send was answered";
    EXPECT_TRUE(stand.caught_up(60s));
    stand.stop_workers();
    const allowance excused{.duplicates = 4 * rate, .zombies = true};
    const auto found = stand.conclude({load.get()}, excused);
    EXPECT_TRUE(found.green(excused)) << found.text();
    EXPECT_LT(found.recovery_s(1), std::chrono::duration<double>(interval).count() + 10)
        << "its partitions were taken over within ten seconds";
}

} // namespace
} // namespace corvid::faults
