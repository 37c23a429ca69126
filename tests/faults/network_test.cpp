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

/// Lets it pass; every connection has 0.5 to 1.5 s between two gusts.
void last(rig& stand, const weather& it) {
    const std::int64_t start = stand.now_ns();
    const std::chrono::duration<double> length = sized(it.full, it.brief);
    while (it.gusts && stand.seconds_since(start) < length.count()) {
        stand.let_pass(stand.between(500ms, 1'500ms));
        it.gusts(stand.network());
    }
    if (!it.gusts) stand.let_pass(sized(it.full, it.brief));
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
        last(stand, one);
        const std::uint64_t did = stand.handled_so_far() - handled;
        EXPECT_GE(did, 100u) << one.name << ": the workers stood still";
        EXPECT_GE(load->count(fate::state::acknowledged) - acknowledged, 100u)
            << one.name << ": the sender stood still";
        stand.figure(one.name + "_ops", static_cast<double>(did));
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
    stand.let_pass(500ms); // what was on its way is done
    const std::uint64_t handled = stand.handled_so_far();
    stand.let_pass(5s);
    EXPECT_LT(stand.handled_so_far() - handled, 100u) << "it is there all the same";
    EXPECT_TRUE(more->finish(30s)) << "not every send was answered";
    const auto found = stand.conclude({load.get()}, {}, false);
    EXPECT_GT(found.lost, 0u) << found.text();
}

} // namespace
} // namespace corvid::faults
