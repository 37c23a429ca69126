// SPDX-License-Identifier: Apache-2.0
//
// A broker that is killed under load and started again a while later: 30 s in the chaos run, 8 s in every
// run.
#include "rig.hpp"
#include "workbench.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <iostream>

namespace corvid::faults {
namespace {

constexpr std::uint64_t hasty_ids = 1'000'000'000; // from here on

/// What is in the topic against what the senders were told.
void expect_the_log_to_agree(const rig& stand, const std::map<std::uint64_t, fate>& sent) {
    std::map<std::uint64_t, std::vector<processed>> held;
    for (const processed& one : stand.eye().records())
        held[one.id].push_back(one);
    for (const auto& [id, told] : sent) {
        const auto found = held.find(id);
        const std::size_t copies = found == held.end() ? 0 : found->second.size();
        ASSERT_LE(copies, 1u) << "record " << id << " is there twice";
        const bool absent = told.is == fate::state::not_persisted;
        ASSERT_FALSE(absent && copies > 0) << "record " << id << " is there, and was said not to be";
        if (told.is != fate::state::acknowledged) continue;
        ASSERT_EQ(copies, 1u) << "record " << id << " is not there, and was acknowledged";
        ASSERT_EQ(found->second[0].partition, told.partition);
        ASSERT_EQ(found->second[0].offset, told.offset);
    }
}

std::map<std::uint64_t, fate> fates_of(const sender& one, const sender& other) {
    auto all = one.fates();
    all.merge(other.fates());
    return all;
}

/// Kills the broker for a while; says how long it took until the worker had new work after it was back.
void break_and_mend(rig& stand, std::chrono::milliseconds outage) {
    stand.let_pass(stand.between(1'000ms, 2'000ms));
    stand.kafka().kill();
    stand.let_pass(outage);
    stand.kafka().start();
    const std::uint64_t before = stand.processed_so_far();
    EXPECT_TRUE(stand.eventually([&] { return stand.processed_so_far() > before; }, 60s))
        << "the consumer did not go on";
}

TEST(broker_outage_test, producer_and_consumer_go_on_and_every_answer_is_true) {
    rig stand("broker_outage");
    const std::chrono::milliseconds outage = is_long_form() ? 30s : 8s;
    auto patient = stand.start_sender({.records_per_second = 1'000});
    producer_settings impatience;
    impatience.sink.message_timeout = 2s;
    auto hasty =
        stand.start_sender({.first_id = hasty_ids, .records_per_second = 1'000, .producer = impatience});
    auto worker = stand.start_worker();
    ASSERT_TRUE(stand.eventually([&] { return stand.processed_so_far() > 0; }, 30s));

    break_and_mend(stand, outage);
    const std::uint64_t acknowledged = hasty->count(fate::state::acknowledged);
    EXPECT_TRUE(stand.eventually([&] { return hasty->count(fate::state::acknowledged) > acknowledged; }, 30s))
        << "the producer whose records timed out did not go on";
    stand.let_pass(1'000ms);
    EXPECT_TRUE(patient->finish(120s)) << "not every send was answered";
    EXPECT_TRUE(hasty->finish(30s)) << "not every send was answered";
    EXPECT_TRUE(stand.caught_up(60s));
    worker->send_signal(SIGTERM);
    EXPECT_EQ(worker->wait(30s), 0);

    EXPECT_EQ(patient->count(fate::state::acknowledged), patient->fates().size())
        << "at the default message timeout nothing fails";
    const std::uint64_t failed =
        hasty->count(fate::state::not_persisted) + hasty->count(fate::state::possibly_persisted);
    EXPECT_GT(failed, 0u) << "the outage outlasts this sender's timeout";
    for (const auto& [what, times] : hasty->errors())
        std::cout << times << " x " << what << '\n';
    expect_the_log_to_agree(stand, fates_of(*patient, *hasty));

    stand.figure("outage_ms", static_cast<std::uint64_t>(outage.count()));
    stand.figure("not_persisted", hasty->count(fate::state::not_persisted));
    stand.figure("possibly_persisted", hasty->count(fate::state::possibly_persisted));
    stand.figure("producers_rebuilt", patient->rebuilds() + hasty->rebuilds());
    const auto found = stand.conclude({patient.get(), hasty.get()}, true);
    EXPECT_TRUE(found.green()) << found.text();
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
