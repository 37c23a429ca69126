// SPDX-License-Identifier: Apache-2.0
#include "harness.hpp"

namespace corvid::conformance {

using broker::partition_choice;

TEST_P(conformance, a_record_comes_out_as_it_went_in) {
    const topic_name topic = make_topic(1);
    const std::vector<to_send> sent = {
        {.key = "k",
         .value = "v",
         .headers = {{"a", "1"}, {"b", std::nullopt}, {"a", "2"}, {"", ""}},
         .timestamp = 1'700'000'000'123},
        {.key = "", .value = "", .timestamp = 1'700'000'000'124},
        {.key = "tombstone", .value = std::nullopt, .timestamp = 1'700'000'000'125},
        {.key = std::nullopt, .value = std::string("\0\xff\n", 3), .timestamp = 1'700'000'000'126},
    };
    const auto producer = open_producer();
    for (const to_send& one : sent)
        ASSERT_TRUE(producer->deliver(topic, one));
    const auto reader = open_reader(reading(fresh("group"), {topic}));
    ASSERT_TRUE(reader->await_records(at(topic, 0), sent.size()));
    const std::vector<seen_record> seen = reader->now().records[at(topic, 0)];
    ASSERT_EQ(seen.size(), sent.size());
    for (std::size_t i = 0; i < sent.size(); ++i) {
        EXPECT_EQ(seen[i], (seen_record{.key = sent[i].key,
                                        .value = sent[i].value,
                                        .headers = sent[i].headers,
                                        .offset = static_cast<std::int64_t>(i),
                                        .timestamp = sent[i].timestamp}))
            << "record " << i;
    }
}

TEST_P(conformance, a_record_without_a_time_gets_the_present_one) {
    const topic_name topic = make_topic(1);
    const auto producer = open_producer();
    const wall_time before = under().root().wall_now();
    const auto sent = producer->deliver(topic, {.value = "x"});
    const wall_time after = under().root().wall_now();
    ASSERT_TRUE(sent) << sent.error().describe();
    EXPECT_GE(sent->timestamp, before);
    EXPECT_LE(sent->timestamp, after);
    const auto reader = open_reader(reading(fresh("group"), {topic}));
    ASSERT_TRUE(reader->await_records(at(topic, 0), 1));
    EXPECT_EQ(reader->now().records[at(topic, 0)][0].timestamp, sent->timestamp.time_since_epoch().count());
}

TEST_P(conformance, a_delivery_says_where_the_record_is) {
    const topic_name topic = make_topic(3);
    const auto producer = open_producer();
    for (std::int64_t i = 0; i < 3; ++i) {
        const auto sent = producer->deliver(
            topic, {.value = "x", .timestamp = 77, .choice = partition_choice::exactly(partition_id(2))});
        ASSERT_TRUE(sent) << sent.error().describe();
        EXPECT_EQ(sent->topic, topic.str());
        EXPECT_EQ(sent->partition, partition_id(2));
        EXPECT_EQ(sent->offset, offset(i));
        EXPECT_EQ(sent->timestamp.time_since_epoch().count(), 77);
    }
}

TEST_P(conformance, a_partition_keeps_the_order_of_sending) {
    const topic_name topic = make_topic(2);
    const auto producer = open_producer();
    producer->deliver_numbers(at(topic, 0), 0, 2'000);
    producer->deliver_numbers(at(topic, 1), 5'000, 1'000);
    const auto reader = open_reader(reading(fresh("group"), {topic}));
    ASSERT_TRUE(reader->await_records(at(topic, 0), 2'000));
    ASSERT_TRUE(reader->await_records(at(topic, 1), 1'000));
    EXPECT_EQ(reader->values(at(topic, 0)), numbers(0, 2'000));
    EXPECT_EQ(reader->values(at(topic, 1)), numbers(5'000, 1'000));
}

TEST_P(conformance, a_hash_decides_the_partition_by_its_remainder) {
    const topic_name topic = make_topic(5);
    const auto producer = open_producer();
    for (const std::uint32_t hash : {0U, 1U, 4U, 5U, 12'345U, 0x7fff'ffffU, 0xffff'ffffU, 0x8000'0003U}) {
        const auto sent = producer->deliver(topic, {.value = "x", .choice = partition_choice::by_hash(hash)});
        ASSERT_TRUE(sent) << sent.error().describe();
        EXPECT_EQ(sent->partition, partition_id(static_cast<std::int32_t>((hash & 0x7fff'ffffU) % 5)))
            << hash;
    }
}

TEST_P(conformance, a_topic_is_resolved_once) {
    const topic_name topic = make_topic(1);
    const auto producer = open_producer();
    const auto first = producer->sink().topic(topic);
    const auto second = producer->sink().topic(topic);
    ASSERT_TRUE(first && second);
    EXPECT_EQ(*first, *second);
    EXPECT_EQ((*first)->name(), topic);
}

TEST_P(conformance, a_large_record_survives) {
    const topic_name topic = make_topic(1);
    const auto producer = open_producer();
    const std::string large(900'000, 'x');
    ASSERT_TRUE(producer->deliver(topic, {.key = "k", .value = large}));
    ASSERT_TRUE(producer->deliver(topic, {.key = "k", .value = "small"}));
    const auto reader = open_reader(reading(fresh("group"), {topic}));
    ASSERT_TRUE(reader->await_records(at(topic, 0), 2));
    EXPECT_EQ(reader->values(at(topic, 0)), (std::vector<std::string>{large, "small"}));
}

} // namespace corvid::conformance
