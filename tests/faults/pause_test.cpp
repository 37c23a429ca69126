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

TEST(zombie_test, a_worker_that_stood_still_takes_no_commit_back_and_joins_again) {
    const auto session = sized<std::chrono::milliseconds>(6s, 3s);
    const auto pause = std::max<std::chrono::milliseconds>(session * 3 / 2, session + 3s);
    rig stand("R4", {.session = session});
    auto load = stand.start_sender({.records_per_second = usual_rate});
    stand.start_workers();
    const std::size_t pauses = sized<std::size_t>(20, 2);
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
    if (is_long_form()) { // a member that goes on may learn of its loss before its next commit is due
        EXPECT_GT(stand.log().commit_failures(), 0u) << "no zombie has tried to commit";
    }
    const allowance excused{.duplicates = pauses * 4 * usual_rate, .zombies = true};
    const auto found = stand.conclude({load.get()}, excused);
    EXPECT_TRUE(found.green(excused)) << found.text();
    EXPECT_EQ(found.rewind, 0u);
}

TEST(zombie_test, a_group_that_waits_too_long_for_its_dead_turns_the_take_over_red) {
    rig stand("R4, bug a session of a minute", {.workers = 2, .session = 60s});
    auto load = stand.start_sender({.records_per_second = usual_rate});
    stand.start_workers();
    stand.fault();
    stand.worker(0).send_signal(SIGSTOP);
    stand.let_pass(6s); // as long as those of the group that is as it should be
    const bool moves = stand.moves_everywhere(2s);
    EXPECT_FALSE(moves) << "the other took over from one that was not missed yet";
    if (!moves) stand.turn_red();
    stand.worker(0).send_signal(SIGCONT);
    EXPECT_TRUE(load->finish(30s)) << "not every send was answered";
    (void)stand.conclude({}, {}, false);
}

TEST(zombie_test, a_worker_that_commits_its_old_positions_turns_the_checker_red) {
    // With names they get back the partitions that they had.
    rig stand("R4, bug keeps_positions", {.workers = 2, .session = 1'500ms, .work = {"instance=b"}});
    auto load = stand.start_sender({.records_per_second = usual_rate});
    stand.start_workers({"instance=a", "bug=keeps_positions"});
    EXPECT_TRUE(stand.saw_a_commit(30s));
    stand.fault();
    stand.worker(0).send_signal(SIGSTOP);
    EXPECT_TRUE(stand.eventually([&] { return !stand.log().is_last_anywhere(stand.worker(0).pid()); }, 30s));
    stand.let_pass(1'500ms); // what the other does is committed
    stand.worker(0).send_signal(SIGCONT);
    EXPECT_TRUE(load->finish(30s)) << "not every send was answered";
    EXPECT_TRUE(stand.saw_a_rewind(30s)) << "what it commits when it goes on is not seen";
    const auto found =
        stand.conclude({load.get()}, {.duplicates = 4 * std::uint64_t{usual_rate}, .zombies = true}, false);
    EXPECT_GT(found.rewind, 0u) << found.text();
}

struct slowness {
    std::chrono::milliseconds interval = sized<std::chrono::milliseconds>(12s, 6s);
    std::vector<std::string> told = {}; ///< the first worker
    std::vector<std::string> work = {}; ///< all
    std::string bug = {};
    std::chrono::milliseconds session = 3s;
};

struct slow_run {
    bool was_replaced; ///< others handled records of all its partitions, within ten seconds
    findings found;
};

/// One record of the first worker takes two poll intervals; of one with a bug three, for what it is to show
/// takes others that had the time to go on.
slow_run be_slow(const std::string& test, slowness with) {
    const allowance excused{.duplicates = static_cast<std::uint64_t>(with.interval / 1s + 4) * usual_rate,
                            .zombies = true};
    with.work.insert(with.work.end(),
                     {"max_poll_ms=" + std::to_string(with.interval.count()), "drain_ms=3000"});
    const bool expected_green = with.bug.empty();
    const auto blocked = with.interval * (expected_green ? 2 : 3);
    rig stand(test, {.workers = expected_green ? 4U : 2U, .session = with.session, .work = with.work});
    auto load = stand.start_sender({.records_per_second = usual_rate});
    with.told.insert(with.told.end(), {"slow_at=3000", "slow_ms=" + std::to_string(blocked.count())});
    if (!expected_green) with.told.push_back("bug=" + with.bug);
    stand.start_workers(with.told);
    const int slow = stand.worker(0).pid();
    EXPECT_TRUE(stand.eventually([&] { return stand.log().handled_by(slow) >= 2'999; }, 60s));
    stand.fault();
    const std::int64_t since = stand.now_ns();
    const bool was_replaced = stand.eventually([&] { return !stand.log().is_last_anywhere(slow); },
                                               std::min(blocked, with.interval + 10s));
    stand.figure("takeover_s", stand.seconds_since(since));
    EXPECT_TRUE(stand.eventually([&] { return stand.seconds_since(since) * 1s > blocked; }, 60s));
    EXPECT_TRUE(!expected_green || stand.works(0, 30s)) << "it did not join again";
    stand.let_pass(1'000ms);
    EXPECT_TRUE(load->finish(30s)) << "not every send was answered";
    if (expected_green) {
        EXPECT_TRUE(stand.caught_up(60s));
        stand.stop_workers();
    } else if (was_replaced) {
        EXPECT_TRUE(stand.saw_a_rewind(30s)) << "what it commits when it joins again is not seen";
    }
    if (!was_replaced) stand.turn_red();
    return {was_replaced, stand.conclude({load.get()}, excused, expected_green)};
}

void expect_green(const slow_run& run) {
    EXPECT_TRUE(run.was_replaced) << "the others did not take its partitions";
    EXPECT_TRUE(run.found.green({.duplicates = 16 * std::uint64_t{usual_rate}, .zombies = true}))
        << run.found.text();
}

TEST(slow_handler_test, a_loop_that_is_blocked_beyond_the_poll_interval_is_replaced_and_joins_again) {
    expect_green(be_slow("R5, loop", {.told = {"inline=1"}}));
}

TEST(slow_handler_test,
     a_handler_that_does_not_return_in_the_poll_interval_makes_its_member_leave_and_return) {
    expect_green(be_slow("R5", {}));
}

TEST(slow_handler_test, a_worker_that_knows_no_poll_interval_turns_the_checker_red) {
    const auto run = be_slow("R5, bug never_leaves", {.interval = 4s, .bug = "never_leaves"});
    EXPECT_FALSE(run.was_replaced);
}

TEST(slow_handler_test, a_worker_that_commits_what_it_has_lost_turns_the_checker_red) {
    // A member that has a name is replaced when its session ends: well before it returns.
    const auto run = be_slow("R5, bug keeps_positions", {.interval = 4s,
                                                         .told = {"inline=1", "instance=a"},
                                                         .work = {"instance=b"},
                                                         .bug = "keeps_positions",
                                                         .session = 1'500ms});
    EXPECT_TRUE(run.was_replaced);
    EXPECT_GT(run.found.rewind, 0u) << run.found.text();
}

} // namespace
} // namespace corvid::faults
