// SPDX-License-Identifier: Apache-2.0
//
// A consumer that is quicker than its read-ahead allows does not stand still: librdkafka's thread sleeps when
// as much waits as may, and is woken when that has been taken.
#include "mock_cluster.hpp"

#include <gtest/gtest.h>

namespace corvid::kafka {
namespace {

using conformance::at;
using conformance::group_reader;
using conformance::producer;
using namespace std::chrono_literals;

constexpr int records_a_batch = 100; // 10 kB: more than either limit
constexpr std::size_t records = std::size_t{60} * records_a_batch;

class refill_test : public testing::TestWithParam<broker::source_settings> {};

TEST_P(refill_test, what_is_taken_is_fetched_again_at_once) {
    mock_cluster mock;
    mock.create(mock_topic, 1);
    producer out(mock, {.batch_records = records_a_batch, .compression = "none"});
    for (std::size_t i = 0; i < records; ++i)
        ASSERT_TRUE(out.post(mock_topic, {.value = std::string(100, 'v')}));
    ASSERT_TRUE(out.await_reports(records));
    const steady_time began = mock.root().steady_now();
    group_reader in(mock, GetParam());
    ASSERT_TRUE(in.await_records(at(mock_topic, 0), records));
    // Sixty fetches, and a sleep of up to a second behind each.
    EXPECT_LT(mock.root().steady_now() - began, 25s);
}

broker::source_settings reading(std::uint32_t most, std::uint32_t kbytes) {
    return {.group = "g",
            .topics = {mock_topic},
            .isolation = broker::isolation::read_uncommitted,
            .prefetch_records = most,
            .prefetch_kbytes = kbytes,
            .properties = {{"max.partition.fetch.bytes", "1000"}}};
}

INSTANTIATE_TEST_SUITE_P(limits, refill_test, testing::Values(reading(50, 16'384), reading(100'000, 1)),
                         [](const auto& one) {
                             return one.param.prefetch_records == 50 ? "by_records" : "by_bytes";
                         });

} // namespace
} // namespace corvid::kafka
