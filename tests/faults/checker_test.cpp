// SPDX-License-Identifier: Apache-2.0
//
// The checker finds each fault that it is there for, and nothing where nothing is wrong.
#include "checker.hpp"

#include <gtest/gtest.h>

namespace corvid::faults {
namespace {

constexpr std::int64_t records = 10;

std::map<std::uint64_t, fate> sent(fate::state how = fate::state::acknowledged) {
    std::map<std::uint64_t, fate> all;
    for (std::int64_t i = 0; i < records; ++i)
        all[static_cast<std::uint64_t>(i)] = {.is = how, .partition = 0, .offset = i};
    return all;
}

void process(checker& by, std::int64_t from, std::int64_t to) {
    for (std::int64_t i = from; i < to; ++i)
        by.saw(processed{.partition = 0, .offset = i, .id = static_cast<std::uint64_t>(i)});
}

TEST(checker_test, work_that_is_redone_from_the_commit_after_a_kill_is_green) {
    checker c(false);
    process(c, 0, 6);
    c.saw(committed{.partition = 0, .next = 4});
    c.life_begins();
    process(c, 4, records);
    const auto found = c.conclude(sent());
    EXPECT_TRUE(found.green()) << found.text();
    EXPECT_EQ(found.redelivered, 2u);
    EXPECT_EQ(found.processed, 12u);
}

TEST(checker_test, an_acknowledged_record_that_was_never_processed_is_lost) {
    checker c(false);
    process(c, 0, records - 1);
    EXPECT_EQ(c.conclude(sent()).lost, 1u);
}

TEST(checker_test, a_record_that_may_or_may_not_be_written_is_not_missed) {
    const checker c(false);
    EXPECT_TRUE(c.conclude(sent(fate::state::possibly_persisted)).green());
}

TEST(checker_test, a_return_behind_the_commit_is_found) {
    checker c(true);
    process(c, 0, 6);
    c.saw(committed{.partition = 0, .next = 4});
    c.life_begins();
    process(c, 3, records);
    EXPECT_EQ(c.conclude(sent()).below_commit, 1u);
}

TEST(checker_test, a_commit_ahead_of_the_work_is_found) {
    checker c(false);
    process(c, 0, 3);
    c.saw(committed{.partition = 0, .next = 4});
    process(c, 3, records);
    EXPECT_EQ(c.conclude(sent()).ahead_of_work, 1u);
}

TEST(checker_test, a_swap_within_a_partition_is_found) {
    checker c(false);
    process(c, 0, 3);
    process(c, 4, 5);
    process(c, 3, 4);
    process(c, 5, records);
    EXPECT_EQ(c.conclude(sent()).out_of_order, 3u);
}

TEST(checker_test, a_gap_is_found_even_where_returns_are_allowed) {
    checker c(true);
    process(c, 0, 3);
    process(c, 5, records);
    EXPECT_EQ(c.conclude(sent()).out_of_order, 1u);
    EXPECT_EQ(c.conclude(sent()).lost, 2u);
}

TEST(checker_test, a_return_within_a_life_is_found_where_none_is_allowed) {
    checker c(false);
    process(c, 0, 6);
    process(c, 4, records);
    EXPECT_EQ(c.conclude(sent()).out_of_order, 1u);
}

TEST(checker_test, a_record_that_was_said_not_to_be_written_must_not_appear) {
    checker c(false);
    process(c, 0, 1);
    EXPECT_EQ(c.conclude(sent(fate::state::not_persisted)).phantom, 1u);
}

TEST(checker_test, a_record_at_another_place_than_acknowledged_is_found) {
    checker c(false);
    process(c, 0, records);
    auto all = sent();
    all[3].offset = 4;
    EXPECT_EQ(c.conclude(all).misplaced, 1u);
}

} // namespace
} // namespace corvid::faults
