// SPDX-License-Identifier: Apache-2.0
//
// R4: a worker stands still (SIGSTOP) for one and a half session timeouts and then goes on, a zombie of the
// group. R5: a handler blocks the loop of its group for two poll intervals.
#include "rig.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>

namespace corvid::faults {
namespace {

constexpr int rate = 2'000;

TEST(zombie_test, a_worker_that_stood_still_takes_no_commit_back_and_joins_again) {
    const auto session = sized<std::chrono::milliseconds>(6s, 3s);
    const auto pause = std::max<std::chrono::milliseconds>(session * 3 / 2, session + 3s);
    rig stand("R4", {.session = session});
    auto load = stand.start_sender({.records_per_second = rate});
    stand.start_workers();
    const std::size_t pauses = sized<std::size_t>(20, 3);
    for (std::size_t i = 0; i < pauses; ++i) {
        stand.let_pass(stand.between(1'000ms, 2'000ms));
        const std::size_t which = stand.below(4);
        stand.fault();
        stand.worker(which).send_signal(SIGSTOP);
        stand.let_pass(pause);
        EXPECT_TRUE(stand.moves_everywhere(2s)) << "pause " << i << ": the others did not take over";
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
}

/// One record of the first worker takes two poll intervals.
void be_slow(const std::string& test, const std::vector<std::string>& told) {
    const auto interval = sized<std::chrono::milliseconds>(12s, 5s);
    rig stand(test,
              {.session = 3s, .work = {"max_poll_ms=" + std::to_string(interval.count()), "drain_ms=3000"}});
    auto load = stand.start_sender({.records_per_second = rate});
    std::vector<std::string> all{"slow_at=3000", "slow_ms=" + std::to_string(2 * interval.count())};
    all.insert(all.end(), told.begin(), told.end());
    stand.start_workers(all);
    const int slow = stand.worker(0).pid();
    EXPECT_TRUE(stand.eventually([&] { return stand.log().handled_by(slow) >= 2'999; }, 60s));
    stand.fault();
    stand.let_pass(interval + 10s);
    EXPECT_TRUE(stand.moves_everywhere(1s)) << "the others took its partitions within ten seconds";
    if (interval > 10s) stand.let_pass(interval - 10s);
    EXPECT_TRUE(stand.works(0, 30s)) << "it did not join again";
    stand.let_pass(1'000ms);
    EXPECT_TRUE(load->finish(30s)) << "not every send was answered";
    EXPECT_TRUE(stand.caught_up(60s));
    stand.stop_workers();
    const allowance excused{.duplicates = static_cast<std::uint64_t>(interval / 1s + 4) * rate,
                            .zombies = true};
    const auto found = stand.conclude({load.get()}, excused);
    EXPECT_TRUE(found.green(excused)) << found.text();
}

TEST(slow_handler_test, a_loop_that_is_blocked_beyond_the_poll_interval_is_replaced_and_joins_again) {
    be_slow("R5, loop", {"inline=1"});
}

TEST(slow_handler_test,
     a_handler_that_does_not_return_in_the_poll_interval_makes_its_member_leave_and_return) {
    be_slow("R5", {});
}

} // namespace
} // namespace corvid::faults
