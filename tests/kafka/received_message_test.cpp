// SPDX-License-Identifier: Apache-2.0
//
// Whether a received record has headers, as detail/message.hpp reads it off the wire: on what a real client
// fetched, so that the saving is there and not only the proof.
#include "mock_cluster.hpp"
#include <corvid/kafka/detail/message.hpp>

#include <gtest/gtest.h>

namespace corvid::kafka {
namespace {

using conformance::producer;
using namespace std::chrono_literals;

struct plain_consumer {
    explicit plain_consumer(const std::string& bootstrap) {
        rd_kafka_conf_t* conf = rd_kafka_conf_new();
        (void)rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap.c_str(), nullptr, 0);
        (void)rd_kafka_conf_set(conf, "group.id", "plain", nullptr, 0);
        native.reset(rd_kafka_new(RD_KAFKA_CONSUMER, conf, nullptr, 0));
        const partitions_handle all(rd_kafka_topic_partition_list_new(1));
        rd_kafka_topic_partition_list_add(all.get(), mock_topic.c_str(), 0)->offset =
            RD_KAFKA_OFFSET_BEGINNING;
        rd_kafka_assign(native.get(), all.get());
    }
    handle<rd_kafka_t, rd_kafka_destroy> native;
};

class received_message_test : public testing::TestWithParam<std::string> {};

TEST_P(received_message_test, is_known_to_have_no_headers_wherever_it_has_none) {
    mock_cluster mock;
    mock.create(mock_topic, 1);
    producer out(mock, {.compression = GetParam()});
    for (int i = 0; i < 200; ++i) {
        conformance::to_send record{.value = i % 5 == 0 ? std::string(3'000, 'v') : "value"};
        if (i % 3 != 0) record.key = i % 7 == 0 ? "" : "key";
        if (i % 4 == 0) record.headers = {{"name", "value"}};
        ASSERT_TRUE(out.post(mock_topic, record));
    }
    ASSERT_TRUE(out.await_reports(200));
    const plain_consumer in(mock.bootstrap());
    const steady_time limit = mock.root().steady_now() + 30s;
    int seen = 0;
    while (seen < 200 && mock.root().steady_now() < limit) {
        const handle<rd_kafka_message_t, rd_kafka_message_destroy> one(
            rd_kafka_consumer_poll(in.native.get(), 100));
        if (!one || one->err) continue;
        EXPECT_EQ(is_received_without_headers(*one), one->offset % 4 != 0) << one->offset;
        ++seen;
    }
    EXPECT_EQ(seen, 200);
}

INSTANTIATE_TEST_SUITE_P(codecs, received_message_test,
                         testing::Values("none", "lz4", "gzip", "snappy", "zstd"),
                         [](const auto& one) { return one.param; });

} // namespace
} // namespace corvid::kafka
