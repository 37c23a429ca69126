// SPDX-License-Identifier: Apache-2.0
//
// R3: workers that are killed with kill -9 at random points while their effects go to PostgreSQL. R4: they
// stand still and go on as zombies.
#include "database_rig.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <utility>

namespace corvid::faults {
namespace {

int kill_rate() { return sized(usual_rate, 1'000); }

struct kill_plan {
    std::size_t kills;
    double mean_s = sized(5.0, 1.0);
    std::size_t workers = 4;
    int rate = kill_rate();
    std::chrono::milliseconds after = 1'000ms;
};

effect_findings kill_workers(const effects_settings& how, const kill_plan& with) {
    database_rig bench(name_of("R3", how), how,
                       {.workers = with.workers, .session = sized<std::chrono::milliseconds>(6s, 1'500ms)});
    rig& stand = bench.stand();
    auto load = stand.start_sender({.records_per_second = with.rate});
    stand.start_workers();
    EXPECT_TRUE(stand.saw_a_commit(30s));
    for (std::size_t i = 0; i < with.kills; ++i) {
        const double chance = static_cast<double>(stand.below(1'000'000) + 1) / 1e6;
        stand.let_pass(std::chrono::milliseconds(static_cast<long>(-std::log(chance) * with.mean_s * 1e3)));
        const std::size_t which = stand.below(with.workers);
        stand.fault();
        stand.worker(which).send_signal(SIGKILL);
        EXPECT_EQ(stand.worker(which).wait(5s), 128 + SIGKILL);
        stand.replace(which);
    }
    stand.let_pass(with.after);
    EXPECT_TRUE(load->finish(30s)) << "not every send was answered";
    EXPECT_TRUE(stand.caught_up(90s));
    stand.stop_workers();
    stand.figure("kills", static_cast<double>(with.kills));
    const allowance excused{.duplicates = with.kills * 4 * static_cast<std::uint64_t>(with.rate)};
    return how.bug.empty() ? bench.expect_green({load.get()}, excused)
                           : bench.conclude({load.get()}, excused);
}

TEST(effects_under_kills, are_there_once_and_in_order) {
    std::size_t kills = sized<std::size_t>(300, 5);
    for (const effects_settings& how :
         forms({{}, {.batches = true}, {.mark = "offset"}, {.mark = "offset", .batches = true}})) {
        const auto found = kill_workers(how, {.kills = std::exchange(kills, 100)});
        EXPECT_TRUE(how.batches || found.handled_again > 0) << "no kill hit any work: this run shows nothing";
    }
}

/// One worker, which is killed once and goes on.
effect_findings kill_careless(const std::string& bug) {
    return kill_workers({.bug = bug}, {.kills = 1, .mean_s = 0.5, .workers = 1, .rate = 300, .after = 0ms});
}

TEST(effects_under_kills, a_worker_that_marks_after_the_effect_turns_the_checker_red) {
    const auto found = kill_careless("mark_after_effect");
    EXPECT_GT(found.twice, 0u) << found.text();
}

TEST(effects_under_kills, a_worker_that_commits_before_the_effect_turns_the_checker_red) {
    const auto found = kill_careless("commit_first");
    EXPECT_GT(found.missing, 0u) << found.text();
}

TEST(effects_under_kills, a_worker_that_marks_by_the_highest_offset_turns_the_checker_red) {
    const auto found = kill_careless("highest_offset");
    EXPECT_GT(found.missing, 0u) << found.text();
}

/// Whether a worker has a transaction open and asks nothing, for longer than any that works.
bool is_one_left_open(const database_rig& bench) {
    return rows_of(bench.connect().get(),
                   "select count(*) from pg_stat_activity where state = 'idle in transaction' and "
                   "application_name = current_setting('application_name') and "
                   "clock_timestamp() - state_change > interval '400 ms'")[0][0] != "0";
}

/// With a transaction open, where that can be had.
bool stop_worker(database_rig& bench, std::size_t which) {
    rig& stand = bench.stand();
    for (int attempts = 0; attempts < 10; ++attempts) {
        if (attempts > 0) stand.worker(which).send_signal(SIGCONT);
        stand.let_pass(stand.between(10ms, 60ms));
        stand.worker(which).send_signal(SIGSTOP);
        stand.let_pass(500ms);
        if (is_one_left_open(bench)) return true;
    }
    return false;
}

TEST(effects_of_zombies, are_there_once_and_in_order) {
    for (const effects_settings& how :
         forms({{.batches = true}, {}, {.mark = "offset", .batches = true}, {.mark = "offset"}})) {
        const auto session = sized<std::chrono::milliseconds>(6s, 3s);
        const auto pause = std::max<std::chrono::milliseconds>(session * 3 / 2, session + 2s);
        database_rig bench(name_of("R4", how), how, {.session = session});
        rig& stand = bench.stand();
        auto load = stand.start_sender({.records_per_second = kill_rate()});
        stand.start_workers();
        const std::size_t pauses = sized<std::size_t>(20, 1);
        std::size_t open = 0;
        for (std::size_t i = 0; i < pauses; ++i) {
            stand.let_pass(stand.between(500ms, 1'500ms));
            const std::size_t which = stand.below(4);
            stand.fault();
            open += stop_worker(bench, which);
            stand.let_pass(pause);
            EXPECT_TRUE(stand.eventually([&] { return !is_one_left_open(bench); }, 2s))
                << "pause " << i << ": what it had locked is not free for who took over";
            EXPECT_TRUE(stand.moves_everywhere(10s)) << "pause " << i << ": nobody took over";
            stand.worker(which).send_signal(SIGCONT);
            stand.let_pass(1'000ms); // what it held is done by then
            EXPECT_TRUE(stand.works(which, 30s)) << "pause " << i << ": it did not join again";
            EXPECT_TRUE(stand.moves_everywhere(10s)) << "pause " << i << ": the others did not go on";
        }
        EXPECT_TRUE(load->finish(30s)) << "not every send was answered";
        EXPECT_TRUE(stand.caught_up(60s));
        stand.stop_workers();
        stand.figure("transactions_left_open", static_cast<double>(open));
        stand.figure("zombie_commits_refused", static_cast<double>(stand.log().commit_failures()));
        bench.expect_green({load.get()}, {.duplicates = pauses * 12 * static_cast<std::uint64_t>(kill_rate()),
                                          .zombies = true});
    }
}

} // namespace
} // namespace corvid::faults
