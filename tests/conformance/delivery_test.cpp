// SPDX-License-Identifier: Apache-2.0
#include "harness.hpp"

namespace corvid::conformance {

using broker::partition_choice;

TEST_P(conformance, each_record_is_reported_exactly_once) {
    const topic_name topic = make_topic(3);
    const auto producer = open_producer();
    for (std::uint32_t i = 0; i < 500; ++i)
        ASSERT_TRUE(
            producer->send(topic, {.key = "key", .value = "value", .choice = partition_choice::by_hash(i)}));
    ASSERT_TRUE(producer->await_reports(500));
    ASSERT_TRUE(producer->close(under().patience()));
    const auto seen = producer->reported();
    EXPECT_EQ(seen.node_records, 500U);
    EXPECT_EQ(seen.node_bytes, 500U * 8);
    ASSERT_EQ(seen.fates.size(), 500U);
    for (const auto& [number, fate] : seen.fates) {
        EXPECT_EQ(fate.reports, 1) << "record " << number;
        EXPECT_FALSE(fate.failure) << fate.failure->describe();
    }
}

TEST_P(conformance, how_long_an_answer_took_is_told_for_all_that_were_acknowledged) {
    const topic_name topic = make_topic(1);
    const auto producer = open_producer();
    const steady_time began = producer->loop().steady_now();
    for (int i = 0; i < 300; ++i)
        ASSERT_TRUE(producer->post(topic, {.value = "v"}));
    ASSERT_TRUE(producer->await_reports(300));
    const duration most = producer->loop().steady_now() - began;
    std::uint64_t records = 0;
    for (const auto& [took, count] : producer->reported().answers) {
        EXPECT_GE(took.count(), 0);
        EXPECT_LE(took, most);
        records += count;
    }
    EXPECT_EQ(records, 300U);
}

TEST_P(conformance, posted_records_are_counted_by_generation) {
    const topic_name topic = make_topic(1);
    const auto producer = open_producer();
    for (int i = 0; i < 300; ++i)
        ASSERT_TRUE(producer->post(topic, {.key = "k", .value = "four", .generation = i % 3 == 0}));
    ASSERT_TRUE(producer->await_reports(300));
    const auto seen = producer->reported();
    EXPECT_EQ(seen.posted_records[0], 200U);
    EXPECT_EQ(seen.posted_records[1], 100U);
    EXPECT_EQ(seen.posted_bytes[0], 200U * 5);
    EXPECT_EQ(seen.posted_bytes[1], 100U * 5);
    EXPECT_EQ(seen.failed_posts, 0U);
    EXPECT_EQ(seen.node_records, 0U);
}

// By hash and by number, with and without headers, in bulks of many sizes: a partition has them as they came.
TEST_P(conformance, records_sent_together_keep_their_order_in_each_partition) {
    const topic_name topic = make_topic(3);
    const auto producer = open_producer();
    std::map<std::int32_t, std::vector<std::string>> expected;
    int next = 0;
    for (const int size : {1, 2, 15, 16, 64, 65, 200, 40}) {
        std::vector<to_send> bulk;
        for (int i = 0; i < size; ++i, ++next) {
            const auto partition = static_cast<std::int32_t>((next * 7) % 3);
            to_send one{.key = "k",
                        .value = std::to_string(next),
                        .choice = next % 5 == 0
                                      ? partition_choice::exactly(partition_id(partition))
                                      : partition_choice::by_hash(static_cast<std::uint32_t>(partition))};
            if (next % 11 == 0) one.headers = {{"h", "v"}};
            expected[partition].push_back(*one.value);
            bulk.push_back(std::move(one));
        }
        EXPECT_TRUE(producer->send_together(topic, bulk).empty());
    }
    ASSERT_TRUE(producer->await_reports(static_cast<std::uint64_t>(next)));
    for (const auto& [number, fate] : producer->reported().fates)
        EXPECT_FALSE(fate.failure) << fate.failure->describe();
    const auto reader = open_reader(reading(fresh("group"), {topic}));
    for (const auto& [partition, values] : expected) {
        ASSERT_TRUE(reader->await_records(at(topic, partition), values.size()));
        EXPECT_EQ(reader->values(at(topic, partition)), values);
    }
}

TEST_P(conformance, of_records_sent_together_the_bad_ones_fail_alone) {
    const topic_name topic = make_topic(3);
    const auto producer = open_producer({.compression = "none", .max_record_bytes = 10'000});
    ASSERT_TRUE(producer->deliver(topic, {.value = "the first look"}));
    for (int round = 0; round < 3; ++round) {
        std::vector<to_send> bulk;
        for (std::uint32_t i = 0; i < 40; ++i)
            bulk.push_back({.value = "x", .choice = partition_choice::by_hash(i)});
        bulk[7].choice = partition_choice::exactly(partition_id(3));
        bulk[20].value = std::string(10'001, 'x');
        const auto refused = producer->send_together(topic, bulk);
        EXPECT_EQ(refused,
                  (std::map<std::size_t, errc>{{7, errc::unknown_partition}, {20, errc::message_too_large}}));
    }
    ASSERT_TRUE(producer->await_reports(1 + 3 * 38));
    for (const auto& [number, fate] : producer->reported().fates)
        EXPECT_FALSE(fate.failure) << fate.failure->describe();
    ASSERT_TRUE(producer->close(under().patience())) << "nothing is left behind";
    EXPECT_EQ(producer->send_together(topic, {{.value = "x"}, {.value = "y"}}),
              (std::map<std::size_t, errc>{{0, errc::producer_closed}, {1, errc::producer_closed}}));
}

TEST_P(conformance, a_record_for_a_topic_that_does_not_exist_fails_as_such) {
    const auto producer = open_producer({.properties = {{"topic.metadata.propagation.max.ms", "1000"}}});
    const auto sent = producer->deliver(topic_name(fresh("conformance.missing")), {.value = "x"});
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().code(), errc::unknown_topic) << sent.error().describe();
}

TEST_P(conformance, a_record_for_a_partition_that_does_not_exist_fails_as_such) {
    const topic_name topic = make_topic(3);
    const auto producer = open_producer();
    ASSERT_TRUE(producer->deliver(topic, {.value = "x"}));
    const auto sent =
        producer->deliver(topic, {.value = "x", .choice = partition_choice::exactly(partition_id(3))});
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().code(), errc::unknown_partition) << sent.error().describe();
}

TEST_P(conformance, a_transfer_may_be_larger_than_the_limit_of_the_producer) {
    const topic_name topic = make_topic(1);
    const auto producer = open_producer({.compression = "none", .max_record_bytes = 10'000});
    const std::string value(10'000, 'x');
    EXPECT_TRUE(producer->deliver(topic, {.value = value}));
    EXPECT_FALSE(producer->deliver(topic, {.value = value, .headers = {{"why", value}}})) << "headers count";
    EXPECT_TRUE(producer->deliver(topic, {.value = value, .headers = {{"why", value}}, .is_transfer = true}));
}

TEST_P(conformance, a_record_above_the_limit_of_the_producer_is_refused) {
    const topic_name topic = make_topic(1);
    const auto producer = open_producer({.compression = "none", .max_record_bytes = 10'000});
    const auto sent = producer->deliver(topic, {.value = std::string(10'001, 'x')});
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().code(), errc::message_too_large) << sent.error().describe();
    EXPECT_TRUE(producer->deliver(topic, {.value = std::string(9'000, 'x')}));
}

TEST_P(conformance, a_record_above_the_limit_of_its_topic_is_refused) {
    const topic_name topic = make_topic(1, {{"max.message.bytes", "5000"}});
    const auto producer = open_producer({.compression = "none"});
    const auto sent = producer->deliver(topic, {.value = std::string(8'000, 'x')});
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().code(), errc::message_too_large) << sent.error().describe();
    EXPECT_TRUE(producer->deliver(topic, {.value = std::string(4'000, 'x')}));
}

// The sends run on the delivery loop, so that no report makes room meanwhile.
TEST_P(conformance, a_full_queue_takes_no_more_until_reports_came) {
    const topic_name topic = make_topic(1);
    const auto producer = open_producer({.properties = {{"queue.buffering.max.messages", "10"}}});
    int taken = 0;
    std::optional<errc> refused;
    run_on(under(), producer->loop(), [&] {
        for (int i = 0; i < 20 && !refused; ++i) {
            const auto sent = producer->post(topic, {.value = "x"});
            if (sent)
                ++taken;
            else
                refused = sent.error().code();
        }
    });
    EXPECT_EQ(refused, errc::queue_full);
    EXPECT_EQ(taken, 10);
    ASSERT_TRUE(producer->await_reports(10));
    EXPECT_TRUE(producer->deliver(topic, {.value = "x"}));
}

TEST_P(conformance, a_closed_producer_has_reported_all_and_takes_nothing) {
    const topic_name topic = make_topic(1);
    const auto producer = open_producer();
    for (int i = 0; i < 200; ++i)
        ASSERT_TRUE(producer->send(topic, {.value = "x"}));
    const auto closed = producer->close(under().patience());
    EXPECT_TRUE(closed) << closed.error().describe();
    EXPECT_EQ(producer->reported().fates.size(), 200U);
    const auto late = producer->send(topic, {.value = "x"});
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code(), errc::producer_closed) << late.error().describe();
}

} // namespace corvid::conformance
