// SPDX-License-Identifier: Apache-2.0
//
// The checker finds each fault that it is there for, and nothing where nothing is wrong.
#include "checker.hpp"

#include <gtest/gtest.h>

namespace corvid::faults {
namespace {

constexpr std::uint32_t records = 10;

/// Ten records of two keys in one partition, handled one after the other, each for 5 ns of 10, by process 1.
history calm(fate::state how = fate::state::acknowledged) {
    history h;
    for (std::uint32_t i = 0; i < records; ++i) {
        const std::int64_t start = 10 * std::int64_t{i};
        h.sent.push_back({.id = i, .key = i % 2, .seq = i / 2, .is = how, .partition = 0, .offset = i});
        h.effects.push_back({.id = i,
                             .key = i % 2,
                             .seq = i / 2,
                             .partition = 0,
                             .offset = i,
                             .pid = 1,
                             .epoch = 1,
                             .t0 = start,
                             .t1 = start + 5});
    }
    h.load_ended = 1'000;
    return h;
}

/// The same record once more.
effect again(const history& h, std::size_t which, std::int32_t pid, std::int32_t epoch, std::int64_t t0) {
    effect e = h.effects[which];
    e.pid = pid;
    e.epoch = epoch;
    e.t0 = t0;
    e.t1 = t0 + 5;
    return e;
}

commit_sample commit(std::int64_t next, std::int64_t at) {
    return {.asked = at - 1, .answered = at, .commits = {{.partition = 0, .next = next}}};
}

TEST(checker_test, work_in_order_behind_its_commits_is_green) {
    history h = calm();
    h.samples = {commit(2, 20), commit(2, 40), commit(records, 200)};
    const auto found = judge(h);
    EXPECT_TRUE(found.green()) << found.text();
    EXPECT_EQ(found.handled, records);
}

TEST(checker_test, work_that_is_redone_from_the_commit_after_a_kill_is_a_duplicate_and_nothing_else) {
    history h = calm();
    h.samples = {commit(8, 150)};
    h.effects.push_back(again(h, 8, 2, 1, 200));
    h.effects.push_back(again(h, 9, 2, 1, 210));
    const auto found = judge(h);
    EXPECT_EQ(found.duplicates, 2u);
    EXPECT_TRUE(found.green({.duplicates = 2})) << found.text();
    EXPECT_FALSE(found.green({.duplicates = 1}));
}

TEST(checker_test, an_acknowledged_record_that_was_never_handled_is_lost_unless_it_is_a_dead_letter) {
    history h = calm();
    h.effects.pop_back();
    EXPECT_EQ(judge(h).lost, 1u);
    h.given_up.emplace(0, records - 1);
    EXPECT_TRUE(judge(h).green());
}

TEST(checker_test, a_record_that_may_or_may_not_be_written_is_not_missed) {
    history h = calm(fate::state::possibly_persisted);
    h.effects.clear();
    EXPECT_TRUE(judge(h).green());
}

TEST(checker_test, a_swap_within_a_key_is_found) {
    history h = calm();
    std::swap(h.effects[3].t0, h.effects[5].t0);
    std::swap(h.effects[3].t1, h.effects[5].t1);
    EXPECT_EQ(judge(h).reorder, 1u);
}

TEST(checker_test, a_record_of_unknown_fate_may_come_late) {
    history h = calm();
    std::swap(h.effects[3].t0, h.effects[5].t0);
    std::swap(h.effects[3].t1, h.effects[5].t1);
    h.sent[3].is = fate::state::possibly_persisted;
    EXPECT_EQ(judge(h).reorder, 0u);
}

TEST(checker_test, a_return_within_an_assignment_is_found_and_one_of_another_is_none) {
    history h = calm();
    h.effects.push_back(again(h, 9, 1, 1, 200));
    EXPECT_EQ(judge(h).reorder, 1u);
    h.effects.back().epoch = 2;
    EXPECT_EQ(judge(h).reorder, 0u);
}

TEST(checker_test, two_of_a_key_at_once_are_found) {
    history h = calm();
    h.effects[2].t1 = 45;
    EXPECT_EQ(judge(h).overlap, 1u);
    EXPECT_EQ(judge(h).overlap_between, 0u);
    h.effects[2].pid = 2;
    EXPECT_EQ(judge(h).overlap, 0u);
    EXPECT_EQ(judge(h).overlap_between, 1u);
    EXPECT_FALSE(judge(h).green());
    EXPECT_TRUE(judge(h).green({.zombies = true}));
}

TEST(checker_test, a_commit_that_moves_back_is_found) {
    history h = calm();
    h.samples = {commit(5, 200), commit(4, 210), commit(5, 220)};
    EXPECT_EQ(judge(h).rewind, 1u);
}

TEST(checker_test, a_commit_ahead_of_the_work_is_found_unless_it_passes_a_dead_letter) {
    history h = calm();
    h.effects[4].t1 = 60;
    h.samples = {commit(5, 50), commit(5, 100)};
    EXPECT_EQ(judge(h).ahead_of_work, 1u);
    h.given_up.emplace(0, 4);
    EXPECT_EQ(judge(h).ahead_of_work, 0u);
}

TEST(checker_test, a_return_behind_the_commit_is_found) {
    history h = calm();
    h.samples = {commit(9, 150)};
    h.effects.push_back(again(h, 8, 2, 1, 200));
    EXPECT_EQ(judge(h).below_commit, 1u);
}

TEST(checker_test, a_record_that_was_said_not_to_be_written_must_not_appear) {
    EXPECT_EQ(judge(calm(fate::state::not_persisted)).phantom, records);
}

TEST(checker_test, a_record_at_another_place_than_acknowledged_is_found) {
    history h = calm();
    h.sent[3].offset = 4;
    EXPECT_EQ(judge(h).misplaced, 1u);
}

TEST(checker_test, a_record_that_is_there_twice_is_found) {
    history h = calm();
    h.effects.push_back(again(h, 9, 1, 1, 200));
    h.effects.back().offset = records;
    EXPECT_EQ(judge(h).misplaced, 1u);
    EXPECT_EQ(judge(h).reorder, 0u);
}

TEST(checker_test, a_record_that_was_sent_again_may_be_there_twice_and_behind_later_ones_and_not_be_missing) {
    history h = calm();
    h.effects.push_back(again(h, 9, 1, 1, 200));
    h.effects.back().offset = records;
    h.sent[9].sent_again = true;
    EXPECT_TRUE(judge(h).green({.duplicates = 1})) << judge(h).text();
    h = calm();
    h.effects.push_back(again(h, 7, 1, 2, 200)); // of key 1, and then one before it: it is behind in the log
    h.effects.push_back(again(h, 3, 1, 2, 210));
    h.sent[3].sent_again = true;
    EXPECT_TRUE(judge(h).green({.duplicates = 2})) << judge(h).text();
    h = calm();
    h.sent[3].sent_again = true;
    h.sent[3].is = fate::state::not_persisted; // the second time
    EXPECT_TRUE(judge(h).green()) << judge(h).text();
    h = calm();
    h.sent[3].sent_again = true;
    std::erase_if(h.effects, [&](const effect& e) { return e.id == h.sent[3].id; });
    EXPECT_EQ(judge(h).lost, 1u);
}

TEST(checker_test, a_partition_that_stands_still_and_how_long_a_fault_lasted_are_measured) {
    history h = calm();
    h.faults = {50};
    for (std::size_t i = 5; i < records; ++i) {
        h.effects[i].t0 += 2'000'000'000;
        h.effects[i].t1 += 2'000'000'000;
    }
    const auto found = judge(h);
    EXPECT_NEAR(found.max_stall_s, 2, 0.001);
    ASSERT_EQ(found.recoveries_s.size(), 1u);
    EXPECT_NEAR(found.recovery_s(0.99), 2, 0.001);
    h.faults = {20};
    EXPECT_NEAR(judge(h).recovery_s(1), 2, 0.001) << "a standstill that begins behind it is its own";
    h.load_ended = 40;
    EXPECT_NEAR(judge(h).max_stall_s, 0, 0.001) << "nothing to do is no stall";
}

} // namespace
} // namespace corvid::faults
