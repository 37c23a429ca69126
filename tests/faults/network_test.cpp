// SPDX-License-Identifier: Apache-2.0
//
// R11: networks that do not carry, break, delay, trickle and cut up what goes between clients and three
// brokers.
#include "rig.hpp"

#include <gtest/gtest.h>

namespace corvid::faults {
namespace {

constexpr int thin_rate = 300; // what 20 KB/s can carry

struct weather {
    std::string name;
    std::chrono::milliseconds full, brief;
    std::function<void(network&)> comes;
    std::function<void(network&)> gusts = {}; ///< again and again while it lasts
};

void everywhere(network& in, const std::string& type, const std::string& attributes) {
    for (int node = 1; node <= in.brokers(); ++node)
        in.poison(node, type, attributes);
}

std::vector<weather> forecast() {
    return {{"black_hole", 30s, 10s,
             [](network& in) {
                 in.poison(1, "timeout", R"({"timeout":0})", "upstream");
                 in.poison(1, "timeout", R"({"timeout":0})", "downstream");
             }},
            {"resets", 600s, 12s, [](network&) {}, [](network& in) { in.break_connections(); }},
            {"latency", 60s, 8s,
             [](network& in) { everywhere(in, "latency", R"({"latency":500,"jitter":300})"); }},
            {"bandwidth", 60s, 6s, [](network& in) { everywhere(in, "bandwidth", R"({"rate":20})"); }},
            {"slicer", 60s, 5s, [](network& in) {
                 everywhere(in, "slicer", R"({"average_size":64,"size_variation":32,"delay":10})");
             }}};
}

/// Lets it pass; every connection has 0.5 to 1.5 s between two gusts. It lasts up to 30 s longer while no
/// work was seen in it: a slow machine's handshakes take their time.
void last(rig& stand, const weather& it, const std::function<bool()>& saw_work) {
    const std::int64_t start = stand.now_ns();
    const double length = std::chrono::duration<double>(sized(it.full, it.brief)).count();
    const auto goes_on = [&] {
        const double passed = stand.seconds_since(start);
        return passed < length || (passed < length + 30 && !saw_work());
    };
    while (goes_on()) {
        stand.let_pass(it.gusts ? stand.between(500ms, 1'500ms) : 200ms);
        if (it.gusts) it.gusts(stand.network());
    }
}

TEST(network_test, whatever_the_network_does_work_goes_on_and_nothing_is_lost) {
    rig stand("R11", {.brokers = 3, .proxied = true, .workers = 3});
    auto load = stand.start_sender({.records_per_second = thin_rate});
    stand.start_workers();
    for (const weather& one : forecast()) {
        const std::uint64_t handled = stand.handled_so_far();
        const std::uint64_t acknowledged = load->count(fate::state::acknowledged);
        stand.fault();
        one.comes(stand.network());
        const auto did = [&] { return stand.handled_so_far() - handled; };
        const auto sent = [&] { return load->count(fate::state::acknowledged) - acknowledged; };
        last(stand, one, [&] { return did() >= 100 && sent() >= 100; });
        EXPECT_GE(did(), 100u) << one.name << ": the workers stood still";
        EXPECT_GE(sent(), 100u) << one.name << ": the sender stood still";
        stand.figure(one.name + "_ops", static_cast<double>(did()));
        stand.network().heal();
        EXPECT_TRUE(stand.moves_everywhere(60s)) << one.name << ": the group did not go on";
    }
    EXPECT_TRUE(load->finish(120s)) << "not every send was answered";
    EXPECT_TRUE(stand.caught_up(60s));
    stand.stop_workers();
    const allowance excused{.duplicates = std::uint64_t{5} * 10 * thin_rate, .zombies = true};
    const auto found = stand.conclude({load.get()}, excused);
    EXPECT_TRUE(found.green(excused)) << found.text();
}

TEST(network_test, a_worker_that_drops_and_one_that_stays_away_turn_each_checker_red) {
    rig stand("R11, bugs drops, stays_away", {.proxied = true, .workers = 1});
    const std::vector<std::string> told = {"bug=drops,stays_away"};
    auto load = stand.start_sender({.records_per_second = thin_rate});
    stand.start_workers(told);
    EXPECT_TRUE(load->finish(30s)) << "not every send was answered";
    stand.let_pass(1'000ms); // all that is not dropped is handled
    auto more =
        stand.start_sender({.first_id = 1'000'000'000, .records_per_second = thin_rate, .first_key = 1'000});
    EXPECT_TRUE(stand.handles(100, 30s));
    stand.fault();
    stand.network().break_connections();
    std::uint64_t handled = 0;
    EXPECT_TRUE(stand.eventually( // what was on its way is done
        [&] {
            handled = stand.handled_so_far();
            stand.let_pass(1'000ms);
            return stand.handled_so_far() == handled;
        },
        30s))
        << "it is there all the same";
    stand.let_pass(5s);
    EXPECT_LT(stand.handled_so_far() - handled, 100u) << "it is there all the same";
    EXPECT_TRUE(more->finish(30s)) << "not every send was answered";
    const auto found = stand.conclude({load.get()}, {}, false);
    EXPECT_GT(found.lost, 0u) << found.text();
}

} // namespace
} // namespace corvid::faults
