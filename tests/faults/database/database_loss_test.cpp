// SPDX-License-Identifier: Apache-2.0
//
// The database goes while workers have their effects there: killed with kill -9, all sessions ended, COMMITs
// that nobody answers, no session to be had. Each time they must get on within ten seconds, and hold no more
// than before.
#include "database_rig.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>

namespace corvid::faults {
namespace {

constexpr double get_on_within_s = 10;
constexpr std::size_t pool_of_worker = 4; // as database_settings says

struct loss {
    std::string name;
    std::function<void(database_rig&)> comes;
    std::function<void(database_rig&)> goes = {};
};

void end_all_sessions(PGconn* by, const std::string& but = "0") {
    (void)rows_of(by, "select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'client "
                      "backend' and pid not in (pg_backend_pid(), " +
                          but + ")");
}

/// Sessions of other people's, as many as the server has.
class crowd {
public:
    explicit crowd(const database_rig& at) : at_(at) {}
    void come() {
        fill();
        std::string its = "0";
        for (const auto& each : held_)
            its += ", " + std::to_string(PQbackendPID(each.get()));
        end_all_sessions(held_.front().get(), its);
        fill();
    }
    void go() { held_.clear(); }

private:
    void fill() {
        try {
            for (;;)
                held_.push_back(at_.connect());
        } catch (const std::exception&) { // there are no more
        }
    }
    const database_rig& at_;
    std::vector<raw_connection> held_;
};

std::size_t files_of(pid_t process) {
    const std::filesystem::directory_iterator all("/proc/" + std::to_string(process) + "/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

std::size_t most_files(rig& stand, std::size_t workers) {
    std::size_t most = 0;
    for (std::size_t i = 0; i < workers; ++i)
        most = std::max(most, files_of(stand.worker(i).pid()));
    return most;
}

constexpr std::size_t loss_workers = 2;

void swallow_answers(database_rig& at) { at.way().poison(1, "timeout", R"({"timeout":0})", "downstream"); }
/// Those that were held back never come.
void end_unanswered(database_rig& at) {
    at.way().break_connections();
    at.way().heal();
}

void lose_and_find(database_rig& bench, const loss& one, double& longest) {
    rig& stand = bench.stand();
    stand.let_pass(stand.between(300ms, 800ms));
    stand.fault();
    one.comes(bench);
    if (one.goes) {
        stand.let_pass(sized<std::chrono::milliseconds>(15s, 1'500ms));
        one.goes(bench);
    }
    const std::int64_t back = stand.now_ns();
    EXPECT_TRUE(bench.effects_everywhere(30s)) << one.name << ": the workers did not get on";
    const double took = stand.seconds_since(back);
    EXPECT_LT(took, get_on_within_s) << one.name;
    stand.figure(one.name + "_s", took);
    longest = std::max(longest, took);
}

TEST(effects_in_losses_of_the_database, are_there_once_and_work_goes_on_within_ten_seconds) {
    for (const std::string mark : {"event_id", "offset"}) {
        if (!is_long_form() && mark == "offset") break;
        database_rig bench("database_loss, by " + mark,
                           {.mark = mark, .proxied = true, .server = {"--set", "max_connections=20"}},
                           {.workers = loss_workers, .session = 6s});
        rig& stand = bench.stand();
        crowd others(bench);
        const std::vector<loss> all{
            {"killed", [](database_rig& at) { at.server().kill(); },
             [](database_rig& at) { at.server().start(); }},
            {"sessions_ended", [](database_rig& at) { end_all_sessions(at.connect().get()); }},
            {"commits_unanswered", swallow_answers, end_unanswered},
            {"connections_reset", [](database_rig& at) { at.way().break_connections(); }},
            {"max_connections", [&](database_rig&) { others.come(); }, [&](database_rig&) { others.go(); }}};
        auto load = stand.start_sender({.records_per_second = 1'000});
        stand.start_workers();
        const std::size_t files = most_files(stand, loss_workers);
        double longest = 0;
        for (int round = 0; round < sized(5, 1); ++round)
            for (const loss& one : all)
                lose_and_find(bench, one, longest);
        EXPECT_TRUE(load->finish(30s)) << "not every send was answered";
        EXPECT_TRUE(stand.caught_up(60s));
        const std::size_t files_after = most_files(stand, loss_workers);
        const auto sessions = std::stoul(
            rows_of(bench.connect().get(), "select count(*) - 1 from pg_stat_activity where backend_type = "
                                           "'client backend'")[0][0]);
        stand.stop_workers();
        EXPECT_LE(sessions, loss_workers * pool_of_worker) << "sessions leak";
        EXPECT_LE(files_after, files + pool_of_worker) << "files leak";
        EXPECT_LT(stand.peak_of_workers_mb(), 400);
        stand.figure("longest_s", longest);
        stand.figure("files", static_cast<double>(files_after));
        bench.expect_green({load.get()}, {.duplicates = 100'000, .zombies = true});
    }
}

TEST(effects_in_losses_of_the_database, a_worker_that_takes_no_answer_for_a_failure_turns_the_checker_red) {
    database_rig bench("database_loss, bug guesses", {.bug = "guesses", .proxied = true}, {.workers = 1});
    rig& stand = bench.stand();
    auto load = stand.start_sender({.records_per_second = 300});
    stand.start_workers();
    const auto on = bench.connect();
    const auto is_twice = [&] {
        return rows_of(on.get(), "select count(*) > count(distinct id) from effect")[0][0] == "t";
    };
    for (int faults = 0; faults < 20 && !is_twice(); ++faults) { // until one had a COMMIT under way
        stand.fault();
        swallow_answers(bench);
        stand.let_pass(500ms);
        end_unanswered(bench);
        EXPECT_TRUE(bench.effects_everywhere(30s));
    }
    EXPECT_TRUE(load->finish(30s)) << "not every send was answered";
    EXPECT_TRUE(stand.caught_up(60s));
    stand.stop_workers();
    const auto found = bench.conclude({load.get()});
    EXPECT_GT(found.twice, 0u) << found.text();
}

} // namespace
} // namespace corvid::faults
