// SPDX-License-Identifier: Apache-2.0
#include <corvid/produce/partitioning.hpp>

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

namespace corvid {
namespace {

// Golden values of org.apache.kafka.common.utils.Utils.murmur2, from Kafka's own UtilsTest.
TEST(murmur2, gives_javas_values) {
    const std::map<std::string, std::int32_t> golden = {
        {"21", -973932308},
        {"foobar", -790332482},
        {"a-little-bit-long-string", -985981536},
        {"abc", 479470107},
        {"a-little-bit-longer-string", -1486304829},
        {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
    };
    for (const auto& [key, hash] : golden)
        EXPECT_EQ(static_cast<std::int32_t>(murmur2(as_bytes(key))), hash) << key;
}

TEST(partitioner, a_key_always_goes_the_same_way_whatever_came_between) {
    partitioner p(partition_strategy::key_hash, 1);
    const auto first = p.choose("UA", 100).value;
    for (int i = 0; i < 100; ++i)
        (void)p.choose(nullptr, 5000);
    EXPECT_EQ(p.choose("UA", 7).value, first);
    EXPECT_EQ(p.choose("UA", 7).value, murmur2(as_bytes("UA")) & 0x7fffffffU);
}

TEST(partitioner, round_robin_takes_each_in_turn) {
    partitioner p(partition_strategy::round_robin, 9);
    std::map<std::uint32_t, int> seen;
    for (int i = 0; i < 60; ++i)
        ++seen[p.choose("k", 1).value % 6];
    for (const auto& [partition, count] : seen)
        EXPECT_EQ(count, 10) << partition;
    EXPECT_EQ(seen.size(), 6u);
}

TEST(partitioner, keyless_records_stay_for_sticky_bytes_then_move) {
    partitioner p(partition_strategy::key_hash, 4);
    std::set<std::uint32_t> seen;
    int changes = 0;
    std::uint32_t last = p.choose(nullptr, 99).value;
    for (int i = 0; i < 10'000; ++i) {
        const auto now = p.choose(nullptr, 99).value;
        changes += now != last;
        last = now;
        seen.insert(now % 6);
    }
    EXPECT_NEAR(changes, 1e6 / static_cast<double>(partitioner::sticky_bytes), 2);
    EXPECT_EQ(seen.size(), 6u);
}

TEST(partitioner, a_hash_has_31_bits_so_that_no_modulus_is_negative) {
    EXPECT_EQ(broker::partition_choice::by_hash(0xffffffffU).value, 0x7fffffffU);
    EXPECT_EQ(partitioner::by_field(as_bytes("x")).value, murmur2(as_bytes("x")) & 0x7fffffffU);
}

} // namespace
} // namespace corvid
