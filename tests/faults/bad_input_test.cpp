// SPDX-License-Identifier: Apache-2.0
//
// Bad input on a real broker: each case gives an error that names its subject and the remedy, and nothing
// else is lost.
#include "workbench.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <span>

namespace corvid::faults {
namespace {

constexpr const char* nobody = "127.0.0.1:9"; // the port of `discard`: nothing listens there

void expect_mentions(const std::string& text, std::initializer_list<std::string_view> all) {
    for (const std::string_view one : all)
        EXPECT_NE(text.find(one), std::string::npos) << '`' << one << "` is not in: " << text;
}

TEST(bad_input_test, a_send_to_an_unreachable_broker_fails_within_its_timeout_and_says_what_to_check) {
    workbench bench(nobody);
    producer_settings settings;
    settings.sink.message_timeout = 2s;
    auto out = bench.make_publisher(settings);
    const auto began = bench.now();
    const auto answer = bench.send(*out, topic_name("test.bad.nowhere"), "1");
    EXPECT_LT(bench.now() - began, 4s);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error(), errc::not_persisted) << answer.error().describe();
    expect_mentions(answer.error().describe(), {"test.bad.nowhere", "kafka.bootstrap"});
    EXPECT_TRUE(bench.eventually([&] { return bench.logged({nobody, "kafka.bootstrap"}); }, 5s))
        << bench.lines();
}

TEST(bad_input_test, a_consumer_of_an_unreachable_broker_says_so_waits_quietly_and_can_be_stopped) {
    workbench bench(nobody);
    auto loop = bench.join({topic_name("test.bad.nowhere")}, {});
    EXPECT_TRUE(bench.eventually([&] { return !loop->state().trouble().empty(); }, 10s));
    expect_mentions(loop->state().trouble(), {nobody, "kafka.bootstrap"});
    const double before = cpu_seconds();
    bench.let_pass(4s);
    EXPECT_LT(cpu_seconds() - before, 0.4) << "it spins";
    const auto began = bench.now();
    EXPECT_TRUE(bench.stop(*loop));
    EXPECT_LT(bench.now() - began, 10s);
}

/// The second batch of the partition cannot be decompressed any more.
void break_second_batch(const kafka_process& of, const topic_name& topic) {
    const auto file = of.directory() / "node-1" / "data" / (topic.str() + "-0") / "00000000000000000000.log";
    std::fstream log(file, std::ios::in | std::ios::out | std::ios::binary);
    ASSERT_TRUE(log) << file;
    std::array<unsigned char, 12> head{}; // base offset, and the length of what follows
    log.read(reinterpret_cast<char*>(head.data()), head.size());
    std::uint32_t length = 0;
    for (const unsigned char byte : std::span(head).last(4))
        length = length << 8U | byte;
    constexpr unsigned fields = 61; // of a batch, before its records
    log.seekp(12 + length + fields);
    log << "this is not what gzip has written";
    ASSERT_TRUE(log.flush());
}

TEST(bad_input_test, a_batch_that_is_broken_in_the_log_is_told_and_other_topics_go_on) {
    kafka_process kafka;
    workbench bench(kafka.bootstrap());
    const topic_name broken = bench.make_topic(1), sound = bench.make_topic(1);
    producer_settings zipped;
    zipped.sink.compression = "gzip";
    {
        auto out = bench.make_publisher(zipped);
        for (const char* n : {"1", "2", "3"})
            EXPECT_TRUE(
                bench.send(*out, broken,
                           std::string(R"({"n":)") + n + R"(,"note":")" + std::string(2'000, 'x') + "\"}"));
        EXPECT_TRUE(bench.send(*out, sound, R"({"n":10,"note":""})"));
    }
    kafka.stop();
    break_second_batch(kafka, broken);
    kafka.start();
    auto loop = bench.join({broken, sound}, {});
    EXPECT_TRUE(bench.eventually([&] { return !loop->state().findings().empty(); }, 60s)) << bench.lines();
    expect_mentions(loop->state().findings(),
                    {broken.str(), "cannot be read on from offset 1", "2 or higher"});
    EXPECT_NE(loop->state().trouble(), "");
    EXPECT_TRUE(bench.eventually([&] { return bench.committed_of(sound) == 1; }, 20s)) << bench.lines();
    EXPECT_EQ(bench.committed_of(broken), 1) << "nothing is passed over by itself";
    auto handled = bench.handled();
    std::ranges::sort(handled);
    EXPECT_EQ(handled, (std::vector{1, 10}));
    EXPECT_TRUE(bench.stop(*loop));
}

TEST(bad_input_test, a_send_to_an_unknown_topic_is_refused_and_others_go_on) {
    workbench bench;
    auto out = bench.make_publisher({});
    const topic_name known = bench.make_topic(1);
    const topic_name unknown("test.bad.unknown-" + bench.unique());
    EXPECT_TRUE(bench.send(*out, known, "1"));
    const auto answer = bench.send(*out, unknown, "2");
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error(), errc::unknown_topic) << answer.error().describe();
    expect_mentions(answer.error().describe(), {unknown.str(), "create it"});
    EXPECT_TRUE(bench.send(*out, known, "3"));
    EXPECT_EQ(out->in_flight().records(), 0u);
}

TEST(bad_input_test,
     a_subscription_of_an_unknown_topic_says_so_and_reads_the_others_and_it_once_it_is_there) {
    workbench bench;
    auto out = bench.make_publisher({});
    const topic_name known = bench.make_topic(1);
    const topic_name late("test.bad.late-" + bench.unique());
    EXPECT_TRUE(bench.send(*out, known, R"({"n":1,"note":""})"));
    auto loop = bench.join({known, late}, {});
    EXPECT_TRUE(bench.eventually([&] { return bench.handled() == std::vector{1}; }, 20s)) << bench.lines();
    EXPECT_TRUE(bench.eventually([&] { return bench.logged({late.str(), "create it"}); }, 10s))
        << bench.lines();
    bench.make_topic(late, 1);
    producer_settings fresh;
    EXPECT_TRUE(bench.send(*bench.make_publisher(fresh), late, R"({"n":2,"note":""})"));
    EXPECT_TRUE(bench.eventually([&] { return bench.handled() == std::vector{1, 2}; }, 20s)) << bench.lines();
    EXPECT_TRUE(bench.stop(*loop));
}

TEST(bad_input_test, an_oversize_record_is_refused_here_and_its_neighbours_arrive) {
    workbench bench;
    auto out = bench.make_publisher({});
    const topic_name topic = bench.make_topic(1);
    const std::string oversize(2'000'000, 'x');
    const auto answers = bench.send_together(*out, topic, {"1", oversize, "2"});
    EXPECT_TRUE(answers[0]);
    EXPECT_TRUE(answers[2]);
    ASSERT_FALSE(answers[1]);
    EXPECT_EQ(answers[1].error(), errc::message_too_large);
    expect_mentions(answers[1].error().describe(), {topic.str(), "2000000", "message.max.bytes"});
    EXPECT_EQ(out->in_flight().records(), 0u);
}

TEST(bad_input_test, a_record_that_the_broker_finds_too_large_is_refused_and_others_arrive) {
    workbench bench;
    auto out = bench.make_publisher({});
    const topic_name topic = bench.make_topic(1, {{"max.message.bytes", "2000"}});
    std::string oversize; // lz4 must not bring it below the limit
    for (std::uint32_t i = 0, x = 1; i < 8'000; ++i, x = x * 1664525 + 1013904223)
        oversize += static_cast<char>(' ' + (x >> 24) % 90);
    EXPECT_TRUE(bench.send(*out, topic, "1"));
    const auto answer = bench.send(*out, topic, oversize);
    EXPECT_TRUE(bench.send(*out, topic, "2"));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error(), errc::message_too_large) << answer.error().describe();
    expect_mentions(answer.error().describe(), {topic.str(), "message.max.bytes"});
    EXPECT_EQ(out->rebuilds(), 0u);
}

/// What a malicious or broken producer may send between good records.
std::vector<std::string> bad_payloads() {
    const std::string deep(100'000, '[');
    return {R"({"n":1,)",                               // cut short
            "not json at all",                          //
            R"({"n":"one","note":""})",                 // a wrong type
            R"({"note":""})",                           // a member is missing
            R"({"n":1,"note":"","more":)" + deep + "}", // nested in an ignored member
            R"({"n":1e999999,"note":""})",              // out of range
            R"({"n":1,"note":"","more":1e999999})",     // and in an ignored member
            "{\"n\":1,\"note\":\"\xc3\x28\"}",          // no UTF-8
            R"({"n":1,"note":""} and more)",            // does not end
            ""};
}

TEST(bad_input_test, rejected_records_that_are_passed_over_are_each_named_and_all_others_run) {
    workbench bench;
    auto out = bench.make_publisher({});
    const topic_name topic = bench.make_topic(1);
    std::vector<std::string> payloads;
    std::vector<int> good;
    for (const std::string& bad : bad_payloads()) {
        good.push_back(static_cast<int>(good.size()));
        payloads.push_back(R"({"n":)" + std::to_string(good.back()) + R"(,"note":"good"})");
        payloads.push_back(bad);
    }
    for (const auto& answer : bench.send_together(*out, topic, payloads))
        ASSERT_TRUE(answer) << answer.error().describe();
    auto loop = bench.join({topic}, {.rejected = when_rejected::pass_over});
    EXPECT_TRUE(bench.eventually([&] { return bench.handled() == good; }, 20s)) << bench.lines();
    for (std::size_t i = 1; i < payloads.size(); i += 2) {
        const std::string place = R"("offset":)" + std::to_string(i) + ",";
        EXPECT_TRUE(
            bench.eventually([&] { return bench.logged({topic.str(), place, "CVD-20", "hint"}); }, 5s))
            << payloads[i].substr(0, 60) << '\n'
            << bench.lines();
    }
    EXPECT_TRUE(bench.stop(*loop));
    EXPECT_EQ(bench.committed_of(topic), static_cast<std::int64_t>(payloads.size()));
}

TEST(bad_input_test, a_rejected_record_stops_its_partition_alone_and_holds_the_offset) {
    workbench bench;
    auto out = bench.make_publisher({});
    const topic_name sick = bench.make_topic(1);
    const topic_name sound = bench.make_topic(1);
    for (const auto& answer :
         bench.send_together(*out, sick, {R"({"n":1,"note":""})", "{", R"({"n":2,"note":""})"}))
        ASSERT_TRUE(answer);
    auto loop = bench.join({sick, sound}, {});
    EXPECT_TRUE(bench.eventually([&] { return !loop->state().stopped().empty(); }, 20s)) << bench.lines();
    expect_mentions(loop->state().stopped(), {sick.str() + "[0]", "offset 1", "remedy"});
    EXPECT_TRUE(bench.send(*out, sound, R"({"n":3,"note":""})"));
    EXPECT_TRUE(bench.eventually([&] { return bench.handled() == std::vector{1, 3}; }, 20s)) << bench.lines();
    EXPECT_TRUE(bench.stop(*loop));
    EXPECT_EQ(bench.committed_of(sick), 1) << "the offset of the bad record is held";
    EXPECT_EQ(bench.committed_of(sound), 1);
}

} // namespace
} // namespace corvid::faults
