// SPDX-License-Identifier: Apache-2.0
#include <corvid/kafka/detail/opaque.hpp>

#include <gtest/gtest.h>

namespace corvid::kafka {
namespace {

using broker::partition_choice;
using broker::send_node;

constexpr std::uint32_t values[] = {0, 1, 2, 3, 4, 7, 8, 1'000'003, 0x40000000, 0x7ffffffe, 0x7fffffff};

TEST(opaque, a_post_carries_its_choice_and_generation_unchanged) {
    for (const std::uint32_t value : values)
        for (const bool is_explicit : {false, true})
            for (const bool generation : {false, true}) {
                void* word = post_opaque({.value = value, .is_explicit = is_explicit}, generation);
                EXPECT_EQ(node_in(word), nullptr);
                EXPECT_EQ(generation_in(word), generation);
                EXPECT_EQ(choice_in(word).value, value);
                EXPECT_EQ(choice_in(word).is_explicit, is_explicit);
            }
}

TEST(opaque, a_node_is_itself_and_its_choice_is_its_own) {
    send_node node([](work&) noexcept {});
    node.choice = partition_choice::exactly(partition_id(5));
    EXPECT_EQ(node_in(&node), &node);
    EXPECT_EQ(choice_in(&node).value, 5U);
    EXPECT_TRUE(choice_in(&node).is_explicit);
}

TEST(opaque, a_hash_goes_to_its_remainder) {
    for (const std::uint32_t value : values)
        for (const std::int32_t partitions : {1, 2, 6, 7, 1'000})
            EXPECT_EQ(partition_for(partition_choice::by_hash(value), partitions),
                      static_cast<std::int32_t>(value % static_cast<std::uint32_t>(partitions)));
}

TEST(opaque, an_explicit_partition_is_answered_as_it_is_even_where_there_is_none) {
    EXPECT_EQ(partition_for(partition_choice::exactly(partition_id(3)), 6), 3);
    EXPECT_EQ(partition_for(partition_choice::exactly(partition_id(6)), 6), 6);
    EXPECT_GE(partition_for({.value = 0x7fffffff, .is_explicit = true}, 6), 6);
}

} // namespace
} // namespace corvid::kafka
