// SPDX-License-Identifier: Apache-2.0
//
// What is peculiar to sinks on librdkafka, on its mock.
#include "mock_cluster.hpp"

#include <gtest/gtest.h>

namespace corvid::kafka {
namespace {

using conformance::at;
using conformance::producer;
using conformance::to_send;
using namespace std::chrono_literals;

to_send to_partition(std::int32_t partition,
                     std::vector<std::pair<std::string, std::optional<std::string>>> headers) {
    return {.key = "k",
            .value = "v",
            .headers = std::move(headers),
            .choice = broker::partition_choice::exactly(partition_id(partition))};
}

// librdkafka 1.x to 2.11.1 frees the headers of a refused record twice where it built them itself.
TEST(kafka_sink, a_refused_record_with_headers_does_no_harm) {
    mock_cluster mock;
    mock.create(mock_topic, 2);
    producer out(mock, {});
    ASSERT_TRUE(out.deliver(mock_topic, to_partition(0, {})));
    for (int i = 0; i < 100; ++i) {
        const auto refused =
            out.send(mock_topic, to_partition(9, {{"a", "1"}, {"b", std::nullopt}, {"", ""}}));
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code(), errc::unknown_partition);
        EXPECT_EQ(refused.error().partition(), 9);
    }
    EXPECT_TRUE(out.deliver(mock_topic, to_partition(1, {{"a", "1"}, {"b", std::nullopt}, {"", ""}})));
}

TEST(kafka_sink, records_without_key_go_where_their_choice_says) {
    mock_cluster mock;
    mock.create(mock_topic, 7);
    producer out(mock, {});
    for (std::uint32_t hash = 0; hash < 21; ++hash) {
        const auto sent =
            out.deliver(mock_topic, {.value = "v", .choice = broker::partition_choice::by_hash(hash)});
        ASSERT_TRUE(sent) << sent.error().describe();
        EXPECT_EQ(sent->partition.value, static_cast<std::int32_t>(hash % 7));
    }
}

TEST(kafka_sink, what_lingers_is_sent_when_it_is_hurried) {
    mock_cluster mock;
    mock.create(mock_topic, 1);
    producer out(mock, {.linger = 60s});
    ASSERT_TRUE(out.send(mock_topic, to_partition(0, {})));
    const steady_time began = mock.root().steady_now();
    while (out.reported().node_records == 0 && mock.root().steady_now() - began < 30s) {
        out.sink().hurry();
        conformance::let_pass(mock, 50ms);
    }
    EXPECT_EQ(out.reported().node_records, 1U);
}

TEST(kafka_sink, a_topic_counts_how_its_records_ended) {
    mock_cluster mock;
    mock.create(mock_topic, 1);
    producer out(mock, {});
    const auto resolved = out.sink().topic(mock_topic);
    ASSERT_TRUE(resolved);
    out.deliver_numbers(at(mock_topic, 0), 0, 10);
    EXPECT_EQ((*resolved)->ended.acknowledged.load(), 10U);
    mock.cut();
    conformance::let_pass(mock, 500ms);
    ASSERT_TRUE(out.send(mock_topic, to_partition(0, {})));
    ASSERT_TRUE(out.post(mock_topic, to_partition(0, {})));
    out.sink().purge();
    ASSERT_TRUE(out.await_reports(12));
    EXPECT_EQ((*resolved)->ended.failed.load() + (*resolved)->ended.possibly_persisted.load(), 2U);
    EXPECT_EQ(out.reported().failed_posts, 1U);
}

TEST(kafka_sink, what_only_a_later_batch_was_acknowledged_for_is_possibly_persisted) {
    mock_cluster mock;
    mock.create(mock_topic, 1);
    producer out(mock, {.linger = 0ms});
    const auto resolved = out.sink().topic(mock_topic);
    ASSERT_TRUE(resolved);
    ASSERT_TRUE(out.deliver(mock_topic, to_partition(0, {})));
    mock.delay(3s);
    mock.refuse_next_produce(RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
    ASSERT_TRUE(out.send(mock_topic, to_partition(0, {})));
    conformance::let_pass(mock, 500ms);
    ASSERT_TRUE(out.send(mock_topic, to_partition(0, {}))); // while the refusal is on its way
    ASSERT_TRUE(out.await_reports(3));
    EXPECT_EQ((*resolved)->ended.acknowledged.load(), 2U);
    EXPECT_EQ((*resolved)->ended.possibly_persisted.load(), 1U);
}

TEST(kafka_source, a_batch_outlives_its_source) {
    mock_cluster mock;
    mock.create(mock_topic, 1);
    producer(mock, {}).deliver_numbers(at(mock_topic, 0), 0, 3);
    struct taker final : broker::source_listener {
        void ready() noexcept override {
            while (auto event = member.source->next_event())
                if (const auto* all = std::get_if<broker::assigned>(&*event)) {
                    slot = all->partitions.front().id;
                    member.source->accept({});
                }
            if (slot && batch.empty()) batch = member.source->take(*slot, 100);
            if (!batch.empty()) taken.set();
        }
        broker::group_member member;
        std::optional<broker::slot> slot;
        record_batch batch;
        signal taken;
    } listener;
    const auto loop = mock.root().run_thread("loop", [](scheduler&) {});
    conformance::run_on(mock, loop->loop(), [&] {
        listener.member = mock.cluster().join({.group = "g", .topics = {mock_topic}}, loop->loop(), listener);
    });
    ASSERT_TRUE(mock.root().wait(listener.taken, mock.root().steady_now() + 60s));
    conformance::run_on(mock, loop->loop(), [&] { listener.member.source.reset(); });
    ASSERT_FALSE(listener.batch.empty());
    EXPECT_EQ(listener.batch.records().front().value.text(), "0");
    listener.batch = {};
}

} // namespace
} // namespace corvid::kafka
