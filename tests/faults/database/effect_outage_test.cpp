// SPDX-License-Identifier: Apache-2.0
//
// The database halves of R10 (all brokers are away) and R11 (networks that do not carry, or break, …).
#include "../http_call.hpp"
#include "database_rig.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace corvid::faults {
namespace {

constexpr double highest_peak_mb = 400;

/// How long after the brokers have gone a worker says that it is not ready, in seconds; 40: it does not.
double not_ready_after_s(rig& stand, std::uint16_t port, std::int64_t since) {
    const bool is_red = stand.eventually(
        [&] {
            const auto answer = http_call(port, "GET", "/readyz");
            return answer && answer->status == 503;
        },
        40s);
    return is_red ? stand.seconds_since(since) : 40;
}

// The effects leave as events, too: their outbox fills while no broker is there.
TEST(effects_in_outages, of_all_brokers_are_there_once_and_their_events_leave_afterwards) {
    for (const effects_settings& how : forms({{.publishes = true}, {.mark = "offset", .publishes = true}})) {
        database_rig bench(name_of("R10", how), how,
                           {.brokers = sized(3, 1),
                            .own_broker = true,
                            .session = sized<std::chrono::milliseconds>(6s, 3s)});
        rig& stand = bench.stand();
        const std::uint16_t port = free_port();
        auto load = stand.start_sender({.records_per_second = 500});
        stand.start_workers({"http=" + std::to_string(port)});
        const int outages = sized(5, 1);
        double not_ready = 0;
        double catching_up = 0;
        for (int i = 0; i < outages; ++i) {
            stand.let_pass(1'000ms);
            stand.fault();
            const std::int64_t gone = stand.now_ns();
            stand.kafka().kill();
            not_ready = std::max(not_ready, not_ready_after_s(stand, port, gone));
            const double left = sized(60.0, 2.0) - stand.seconds_since(gone);
            if (left > 0) stand.let_pass(std::chrono::milliseconds(static_cast<long>(left * 1e3)));
            stand.kafka().start();
            const std::int64_t back = stand.now_ns();
            EXPECT_TRUE(stand.commits_what_is_there(120s)) << "outage " << i;
            EXPECT_TRUE(bench.events_left(60s)) << "outage " << i << ": events wait";
            catching_up = std::max(catching_up, stand.seconds_since(back));
        }
        EXPECT_TRUE(load->finish(120s)) << "not every send was answered";
        EXPECT_TRUE(stand.caught_up(90s));
        EXPECT_TRUE(bench.events_left(60s));
        stand.stop_workers();
        EXPECT_LT(not_ready, 15);
        EXPECT_LT(stand.peak_of_workers_mb(), highest_peak_mb);
        stand.figure("red_after_s", not_ready);
        stand.figure("catch_up_s", catching_up);
        bench.expect_green({load.get()},
                           {.duplicates = static_cast<std::uint64_t>(outages) * 20'000, .zombies = true});
    }
}

struct bad_weather {
    std::string name;
    std::chrono::milliseconds lasts;
    std::function<void(network&)> comes;
    std::function<void(network&)> gusts = {}; ///< every 0.5 to 1.5 s
};

void on_every_broker(network& in, const std::string& type, const std::string& attributes) {
    for (int node = 1; node <= in.brokers(); ++node)
        in.poison(node, type, attributes);
}

std::vector<bad_weather> bad_weathers() {
    const bad_weather resets{"resets", sized<std::chrono::milliseconds>(600s, 5s), [](network&) {},
                             [](network& in) { in.break_connections(); }};
    if (!is_long_form()) return {resets};
    return {{"black_hole", 30s,
             [](network& in) {
                 in.poison(1, "timeout", R"({"timeout":0})", "upstream");
                 in.poison(1, "timeout", R"({"timeout":0})", "downstream");
             }},
            resets,
            {"latency", 60s,
             [](network& in) { on_every_broker(in, "latency", R"({"latency":500,"jitter":300})"); }},
            {"bandwidth", 60s, [](network& in) { on_every_broker(in, "bandwidth", R"({"rate":20})"); }},
            {"slicer", 60s, [](network& in) {
                 on_every_broker(in, "slicer", R"({"average_size":64,"size_variation":32,"delay":10})");
             }}};
}

TEST(effects_in_bad_networks, are_there_once_and_work_does_not_stand_still) {
    for (const effects_settings& how : forms({{.mark = "offset", .batches = true}, {}})) {
        database_rig bench(name_of("R11", how), how, {.brokers = sized(3, 1), .proxied = true, .workers = 3});
        rig& stand = bench.stand();
        auto load = stand.start_sender({.records_per_second = 300});
        stand.start_workers();
        for (const bad_weather& one : bad_weathers()) {
            const std::uint64_t before = bench.effects();
            stand.fault();
            one.comes(stand.network());
            const std::int64_t start = stand.now_ns();
            while (stand.seconds_since(start) < std::chrono::duration<double>(one.lasts).count()) {
                stand.let_pass(stand.between(500ms, 1'500ms));
                if (one.gusts) one.gusts(stand.network());
            }
            const std::uint64_t had = bench.effects() - before;
            EXPECT_GE(had, 100u) << one.name << ": the workers stood still";
            stand.figure(one.name + "_effects", static_cast<double>(had));
            stand.network().heal();
            EXPECT_TRUE(bench.effects_everywhere(60s)) << one.name << ": the group did not go on";
        }
        EXPECT_TRUE(load->finish(120s)) << "not every send was answered";
        EXPECT_TRUE(stand.caught_up(90s));
        stand.stop_workers();
        bench.expect_green({load.get()}, {.duplicates = 20'000, .zombies = true});
    }
}

} // namespace
} // namespace corvid::faults
