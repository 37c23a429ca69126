// SPDX-License-Identifier: Apache-2.0
//
// The checker finds each fault that it is there for, and nothing where nothing is wrong.
#include "event_checker.hpp"

#include <gtest/gtest.h>

namespace corvid::faults {
namespace {

/// Six events of two aggregates, all of which came in order, a second after their commit.
event_history calm() {
    event_history h;
    for (int i = 0; i < 6; ++i) {
        const std::string id = std::to_string(i), key = std::to_string(i % 2);
        h.committed.push_back({id, key, std::int64_t{i} * 1'000'000});
        h.sent.push_back({id, key, (std::int64_t{i} + 1) * 1'000});
        h.answered.insert(id);
    }
    return h;
}

TEST(event_checker, finds_nothing_where_nothing_is_wrong) {
    const auto found = judge(calm());
    EXPECT_TRUE(found.green()) << found.text();
    EXPECT_EQ(found.duplicates, 0u);
    EXPECT_DOUBLE_EQ(found.max_lag_s, 1);
}

TEST(event_checker, finds_what_did_not_come) {
    auto h = calm();
    h.sent.erase(h.sent.begin() + 3);
    EXPECT_EQ(judge(h).lost, 1u);
}

TEST(event_checker, finds_what_was_not_committed) {
    auto h = calm();
    h.sent.push_back({"rolled back", "0", 0});
    EXPECT_EQ(judge(h).ghost, 1u);
}

TEST(event_checker, finds_a_commit_that_the_table_forgot) {
    auto h = calm();
    h.answered.insert("7");
    EXPECT_EQ(judge(h).missing, 1u);
}

TEST(event_checker, finds_an_aggregate_out_of_order_and_no_other) {
    auto h = calm();
    std::swap(h.sent[2], h.sent[4]);
    EXPECT_EQ(judge(h).reorder, 1u);
    h = calm();
    std::swap(h.sent[2], h.sent[3]); // of two aggregates
    EXPECT_TRUE(judge(h).green());
}

TEST(event_checker, counts_what_came_again_and_excuses_it) {
    auto h = calm();
    h.sent.push_back(h.sent[0]);
    h.sent.push_back(h.sent[2]);
    const auto found = judge(h);
    EXPECT_TRUE(found.green()) << found.text();
    EXPECT_EQ(found.duplicates, 2u);
}

TEST(event_checker, finds_what_is_parked_wrongly) {
    auto h = calm();
    h.sent.erase(h.sent.begin() + 5);
    h.parked.insert("5");
    EXPECT_EQ(judge(h).misparked, 1u);
    h.poison.insert("5");
    EXPECT_TRUE(judge(h).green());
    h.poison.insert("4"); // came, although no broker takes it
    EXPECT_EQ(judge(h).misparked, 1u);
}

TEST(event_checker, counts_no_lag_of_what_stays_open_for_long) {
    auto h = calm();
    h.sent[5].at_ms += 60'000;
    EXPECT_GT(judge(h).max_lag_s, 60);
    h.late_keys.insert("1");
    EXPECT_DOUBLE_EQ(judge(h).max_lag_s, 1);
}

} // namespace
} // namespace corvid::faults
