// SPDX-License-Identifier: Apache-2.0
//
// R19, R20, R21: relays that are killed, transactions that overlap and stay open, events that no broker
// takes.
#include "stand.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace corvid::faults {
namespace {

constexpr std::uint64_t in_flight = 500;
constexpr int rate = 1'000; // rows a second

/// 8 writers, 1.5 rows a transaction, together about `rate` rows a second.
writer_settings steady_load() {
    return {.writers = 8, .keys = 200, .rows = 2, .pause = 12ms, .longest = 0ms, .rolled_back = 0.1};
}

// R19. Each life of the relay ends by itself with kill -9 right when an acknowledgement comes, so that what
// it has sent since the last save is not marked.
TEST(relay_faults, killed_between_acknowledgement_and_mark_nothing_is_lost_and_a_batch_comes_again) {
    stand s("R19");
    auto load = s.start_writers(steady_load());
    const int kills = sized(300, 6);
    for (int n = 0; n < kills; ++n) {
        auto relay = s.start_relay({"die_after=" + std::to_string(1 + s.below(2 * std::uint64_t{rate}))});
        ASSERT_EQ(relay->wait(60s), 128 + SIGKILL);
        s.fault();
    }
    auto last = s.start_relay();
    load->stop();
    EXPECT_TRUE(s.drained(60s));
    last->send_signal(SIGTERM);
    EXPECT_EQ(last->wait(20s), 0);
    s.figure("kills", kills);
    const auto found = s.conclude(*load);
    EXPECT_TRUE(found.green()) << found.text();
    EXPECT_GT(found.duplicates, 0u) << "no kill hit any work: this run shows nothing";
    EXPECT_LE(found.duplicates, static_cast<std::uint64_t>(kills) * in_flight) << "more than a batch a kill";
}

event_findings run_careless(const std::string& bug, const writer_settings& with, int kills) {
    stand s("R19, bug " + bug);
    auto relay = s.start_relay({"bug=" + bug});
    auto load = s.start_writers(with);
    for (int n = 0; n < kills; ++n) {
        const auto before = load->committed();
        EXPECT_TRUE(s.eventually([&] { return load->committed() > before + 300; }, 30s));
        relay = nullptr;
        s.fault();
        relay = s.start_relay({"bug=" + bug, "die_after=" + std::to_string(50 + s.below(200))});
    }
    const auto before = load->committed();
    EXPECT_TRUE(s.eventually([&] { return load->committed() > before + 1'000; }, 60s));
    load->stop();
    relay = nullptr;
    relay = s.start_relay({"bug=" + bug});
    // until it has passed all that there is
    const std::string passed = bug == "mark_first"
                                   ? "select not exists (select from outbox o where not exists (select from "
                                     "careless_mark m where m.id = o.id))"
                                   : "select (select max(seq) from outbox) <= (select place from careless)";
    EXPECT_TRUE(s.eventually([&] { return rows_of(s.sql(), passed)[0][0] == "t"; }, 60s));
    return s.conclude(*load, false);
}

TEST(relay_faults, a_relay_with_a_bare_cursor_turns_the_checker_red) {
    auto with = steady_load();
    with.longest = 200ms;
    EXPECT_GT(run_careless("bare_cursor", with, 0).lost, 0u);
}

TEST(relay_faults, a_relay_that_marks_before_the_acknowledgement_turns_the_checker_red) {
    EXPECT_GT(run_careless("mark_first", steady_load(), 3).lost, 0u);
}

// R20. Two relays, of which one is killed every so often; transactions take up to two seconds, one far
// longer.
TEST(relay_faults, nothing_is_skipped_where_transactions_overlap_stay_open_and_roll_back) {
    stand s("R20");
    const auto span = sized<std::chrono::milliseconds>(300s, 24s),
               every = sized<std::chrono::milliseconds>(10s, 5s);
    std::vector<std::unique_ptr<child>> relays;
    for (int n = 0; n < 2; ++n)
        relays.push_back(s.start_relay());
    auto load = s.start_writers({.writers = 32,
                                 .keys = 200,
                                 .rows = 3,
                                 .longest = 2s,
                                 .very_long = sized<std::chrono::milliseconds>(30s, 12s),
                                 .rolled_back = 0.2});
    std::size_t kills = 0;
    for (auto passed = 0ms; passed < span; passed += every, ++kills) {
        s.let_pass(every);
        auto& one = relays[kills % 2];
        one->send_signal(SIGKILL);
        EXPECT_EQ(one->wait(5s), 128 + SIGKILL);
        s.fault();
        one = s.start_relay();
    }
    load->stop();
    EXPECT_TRUE(s.drained(60s));
    for (const auto& each : relays)
        each->send_signal(SIGTERM);
    for (const auto& each : relays)
        EXPECT_EQ(each->wait(20s), 0);
    s.figure("kills", static_cast<double>(kills));
    const auto found = s.conclude(*load);
    EXPECT_TRUE(found.green()) << found.text();
    EXPECT_GT(load->rolled_back(), 0u);
    EXPECT_LT(found.max_lag_s, 5) << "events of other aggregates waited";
}

// R21. One row in a hundred is one that no broker takes, for one of three reasons.
TEST(relay_faults, poison_is_parked_with_its_reason_and_holds_up_no_other_event) {
    stand s("R21", {"--set", "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                    "--set", "allow.everyone.if.no.acl.found=true"});
    s.make_forbidden(writers::forbidden_topic);
    auto relay = s.start_relay();
    auto with = steady_load();
    with.poison = 0.01;
    auto load = s.start_writers(with);
    const std::uint64_t rows = sized<std::uint64_t>(100'000, 5'000);
    EXPECT_TRUE(s.eventually([&] { return load->committed() >= rows; }, 900s));
    load->stop();
    EXPECT_TRUE(s.drained(120s));
    const double before = cpu_seconds_of(relay->pid());
    s.let_pass(5s);
    const double idle = (cpu_seconds_of(relay->pid()) - before) / 5;
    s.figure("idle_cpu_percent", idle * 100);
    relay->send_signal(SIGTERM);
    EXPECT_EQ(relay->wait(20s), 0);
    const auto found = s.conclude(*load);
    EXPECT_TRUE(found.green()) << found.text();
    const auto parked = rows_of(
        s.sql(), "select case when topic = '" + std::string(stand::topic) +
                     "' then 'large' else topic end, min(reason), count(distinct reason) from outbox_parked "
                     "group by 1 order by 1");
    ASSERT_EQ(parked.size(), 3U) << "not every kind of poison was written: this run shows too little";
    EXPECT_NE(parked[0][1].find("max_record_bytes"), std::string::npos) << parked[0][1];
    EXPECT_NE(parked[1][1].find("authori"), std::string::npos) << parked[1][1];
    EXPECT_NE(parked[2][1].find("create it"), std::string::npos) << parked[2][1];
    EXPECT_LT(idle, 0.25) << "a hot loop";
}

} // namespace
} // namespace corvid::faults
