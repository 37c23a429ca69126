// SPDX-License-Identifier: Apache-2.0
//
// Every broker is killed under load and started again a while later; R10 with them.
#include "http_call.hpp"
#include "rig.hpp"
#include "workbench.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <set>

namespace corvid::faults {
namespace {

constexpr std::uint64_t hasty_ids = 1'000'000'000; // from here on

/// What is in the topic against what a sender was told. Where records time out on their way, those that were
/// sent with them may be there twice.
void expect_the_log_to_agree(const std::vector<stored>& log, const sender& by, std::size_t most_copies) {
    std::map<std::uint64_t, std::vector<const stored*>> held;
    for (const stored& one : log)
        held[one.id()].push_back(&one);
    for (const fate& told : by.fates()) {
        const auto& copies = held[told.id];
        ASSERT_LE(copies.size(), most_copies) << "record " << told.id;
        const bool absent = told.is == fate::state::not_persisted;
        ASSERT_FALSE(absent && !copies.empty())
            << "record " << told.id << " is there, and was said not to be";
        if (told.is != fate::state::acknowledged) continue;
        const bool is_there = std::ranges::any_of(copies, [&](const stored* one) {
            return one->partition == told.partition && one->offset == told.offset;
        });
        ASSERT_TRUE(is_there) << "record " << told.id << " is not where it was acknowledged";
    }
}

/// Each that was acknowledged was handled.
void expect_all_of_it_handled(const rig& stand, const sender& by) {
    std::set<std::uint64_t> handled;
    for (const effect& each : stand.log().effects())
        handled.insert(each.id);
    for (const fate& told : by.fates())
        ASSERT_TRUE(told.is != fate::state::acknowledged || handled.contains(told.id))
            << "record " << told.id << " was never handled";
}

/// Kills every broker for a while; the group goes on when they are back.
void break_and_mend(rig& stand, std::chrono::milliseconds outage) {
    stand.let_pass(stand.between(1'000ms, 2'000ms));
    stand.fault();
    stand.kafka().kill();
    stand.let_pass(outage);
    stand.kafka().start();
    EXPECT_TRUE(stand.moves_everywhere(60s)) << "the consumer did not go on";
}

TEST(broker_outage_test, producer_and_consumer_go_on_and_every_answer_is_true) {
    rig stand("broker_outage", {.own_broker = true, .workers = 1});
    const auto outage = sized<std::chrono::milliseconds>(30s, 8s);
    auto patient = stand.start_sender({.records_per_second = 1'000});
    producer_settings impatience;
    impatience.sink.message_timeout = 5s; // less than the outage, and more than a busy machine takes
    // Keys of its own: what it gives up is missing from their order, and what it sends twice is in none.
    auto hasty = stand.start_sender(
        {.first_id = hasty_ids, .records_per_second = 1'000, .first_key = 1'000, .producer = impatience});
    stand.start_workers();

    break_and_mend(stand, outage);
    const std::uint64_t acknowledged = hasty->count(fate::state::acknowledged);
    EXPECT_TRUE(stand.eventually([&] { return hasty->count(fate::state::acknowledged) > acknowledged; }, 30s))
        << "the producer whose records timed out did not go on";
    stand.let_pass(1'000ms);
    EXPECT_TRUE(patient->finish(120s)) << "not every send was answered";
    EXPECT_TRUE(hasty->finish(30s)) << "not every send was answered";
    EXPECT_TRUE(stand.caught_up(60s));
    stand.stop_workers();

    EXPECT_EQ(patient->count(fate::state::acknowledged), patient->sent_so_far())
        << "at the default message timeout nothing fails";
    const std::uint64_t failed =
        hasty->count(fate::state::not_persisted) + hasty->count(fate::state::possibly_persisted);
    EXPECT_GT(failed, 0u) << "the outage outlasts this sender's timeout";
    for (const auto& [what, times] : hasty->errors())
        std::cout << times << " x " << what << '\n';
    const auto log = stand.eye().records();
    expect_the_log_to_agree(log, *patient, 1);
    expect_the_log_to_agree(log, *hasty, 2);
    expect_all_of_it_handled(stand, *hasty);

    stand.figure("outage_s", std::chrono::duration<double>(outage).count());
    stand.figure("producers_rebuilt", static_cast<double>(patient->rebuilds() + hasty->rebuilds()));
    const auto found = stand.conclude({patient.get()}, {.duplicates = 5'000});
    EXPECT_TRUE(found.green({.duplicates = 5'000})) << found.text();
}

/// How long after the brokers have gone the worker says that it is not ready, in seconds; none: it has not
/// within the patience.
std::optional<double> seconds_until_red(rig& stand, std::uint16_t port, std::int64_t since,
                                        std::chrono::milliseconds patience) {
    const bool is_red = stand.eventually(
        [&] {
            const auto answer = http_call(port, "GET", "/readyz");
            return answer && answer->status == 503;
        },
        patience);
    return is_red ? std::optional(stand.seconds_since(since)) : std::nullopt;
}

constexpr double red_within_s = 15;
constexpr double peak_mb = 400;

TEST(broker_outage_test, r10_health_says_so_memory_stays_bounded_and_all_that_was_queued_arrives) {
    rig stand("R10", {.brokers = sized(3, 1), .own_broker = true});
    const std::uint16_t port = free_port();
    auto load = stand.start_sender({.sends_again = true});
    stand.start_workers({"http=" + std::to_string(port)});
    double red = 0;
    double catching_up = 0;
    for (int i = 0; i < sized(5, 1); ++i) {
        stand.fault();
        const std::int64_t gone = stand.now_ns();
        stand.kafka().kill();
        red = std::max(red, seconds_until_red(stand, port, gone, 40s).value_or(40));
        const double left = sized(60.0, 12.0) - stand.seconds_since(gone);
        if (left > 0) stand.let_pass(std::chrono::milliseconds(static_cast<long>(left * 1e3)));
        stand.kafka().start();
        const std::int64_t back = stand.now_ns();
        const std::uint64_t queued = load->sent_so_far();
        EXPECT_TRUE(
            stand.eventually([&] { return load->count(fate::state::acknowledged) >= queued; }, 120s) &&
            stand.commits_what_is_there(120s))
            << "outage " << i << ": what was queued did not arrive";
        catching_up = std::max(catching_up, stand.seconds_since(back));
    }
    EXPECT_TRUE(load->finish(120s)) << "not every send was answered";
    EXPECT_TRUE(stand.caught_up(60s));
    stand.stop_workers();
    EXPECT_LT(red, red_within_s);
    EXPECT_LT(stand.peak_of_workers_mb(), peak_mb);
    EXPECT_EQ(load->count(fate::state::acknowledged), load->sent_so_far());
    stand.figure("red_after_s", red);
    stand.figure("catch_up_s", catching_up);
    stand.figure("sent_again", static_cast<double>(load->sent_again()));
    // What was handled behind the last commit: of each outage all that was queued, at most.
    const allowance excused{.duplicates = std::uint64_t{5} * (20'000 + 8'000), .zombies = true};
    const auto found = stand.conclude({load.get()}, excused);
    EXPECT_TRUE(found.green(excused)) << found.text();
}

TEST(broker_outage_test, r10_silence_a_hoard_and_a_sender_that_gives_up_turn_each_checker_red) {
    rig stand("R10, bugs tells_no_trouble, hoards, gives up", {.own_broker = true, .workers = 1});
    const std::uint16_t port = free_port();
    producer_settings hasty;
    hasty.sink.message_timeout = 2s;
    auto load = stand.start_sender({.records_per_second = 1'000, .producer = hasty});
    stand.start_workers({"http=" + std::to_string(port), "bug=tells_no_trouble,hoards"});
    stand.fault();
    stand.kafka().kill();
    const std::int64_t gone = stand.now_ns();
    const auto red = seconds_until_red(stand, port, gone, 16s);
    EXPECT_FALSE(red) << "its health is red without the news";
    EXPECT_TRUE(http_call(port, "GET", "/readyz")) << "nobody answers at all";
    stand.kafka().start();
    EXPECT_TRUE(load->finish(30s)) << "not every send was answered";
    EXPECT_TRUE(stand.caught_up(60s));
    stand.stop_workers();
    EXPECT_GT(stand.peak_of_workers_mb(), peak_mb);
    EXPECT_LT(load->count(fate::state::acknowledged), load->sent_so_far());
    if (!red) stand.turn_red();
    (void)stand.conclude({load.get()}, {.duplicates = 8'000}, false);
}

TEST(broker_outage_test, a_group_that_outlives_the_outage_says_that_its_trouble_is_over) {
    kafka_process kafka;
    workbench bench(kafka.bootstrap());
    const topic_name topic = bench.make_topic(1);
    auto out = bench.make_publisher({});
    auto loop = bench.join({topic}, {});
    EXPECT_TRUE(bench.send(*out, topic, R"({"n":1,"note":""})"));
    EXPECT_TRUE(bench.eventually([&] { return bench.handled() == std::vector{1}; }, 20s)) << bench.lines();
    kafka.kill();
    EXPECT_TRUE(bench.eventually([&] { return !loop->state().trouble().empty(); }, 20s)) << bench.lines();
    bench.let_pass(2s);
    EXPECT_NE(loop->state().trouble().find("kafka.bootstrap"), std::string::npos) << loop->state().trouble();
    kafka.start();
    EXPECT_TRUE(bench.send(*out, topic, R"({"n":2,"note":""})"));
    EXPECT_TRUE(bench.eventually([&] { return bench.handled() == std::vector{1, 2}; }, 20s)) << bench.lines();
    EXPECT_TRUE(bench.eventually([&] { return loop->state().trouble().empty(); }, 30s)) << bench.lines();
    EXPECT_TRUE(bench.stop(*loop));
    EXPECT_EQ(bench.committed_of(topic), 2);
}

} // namespace
} // namespace corvid::faults
