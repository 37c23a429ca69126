// SPDX-License-Identifier: Apache-2.0
//
// The pure parts: commit_schedule, decide, check_disjoint.
#include <corvid/consume/commit_schedule.hpp>
#include <corvid/consume/failure.hpp>
#include <corvid/consume/subscription.hpp>

#include <gtest/gtest.h>

#include <random>

namespace corvid {
namespace {

topic_partition at(int p) { return {topic_name("a.b"), partition_id(p)}; }

TEST(commit_schedule, one_commit_is_in_flight_and_a_failed_one_is_said_again) {
    commit_schedule c;
    EXPECT_TRUE(c.begin().empty());
    c.advance(at(0), offset(5));
    auto first = c.begin();
    ASSERT_EQ(first.size(), 1u);
    c.advance(at(0), offset(9));
    EXPECT_TRUE(c.begin().empty()) << "one in flight";
    c.finished({});
    auto second = c.begin();
    ASSERT_EQ(second.size(), 1u);
    EXPECT_EQ(second[0].next, offset(9));
    c.finished(second);
    EXPECT_TRUE(c.is_settled());
    EXPECT_TRUE(c.begin().empty());
}

TEST(commit_schedule, a_frontier_never_moves_back_through_any_history) {
    for (unsigned seed = 1; seed <= 200; ++seed) {
        SCOPED_TRACE(seed);
        std::mt19937 random(seed);
        commit_schedule c;
        std::map<int, std::int64_t> highest;
        std::optional<std::vector<commit_schedule::entry>> open;
        for (int step = 0; step < 300; ++step) {
            const int p = static_cast<int>(random() % 3);
            switch (random() % 4) {
            case 0:
                c.advance(at(p), offset(static_cast<std::int64_t>(random() % 1000)));
                break;
            case 1:
                if (auto asked = c.begin(); !asked.empty()) {
                    for (const auto& e : asked) {
                        EXPECT_GT(e.next.value, highest[e.where.partition.value]);
                    }
                    open = asked;
                }
                break;
            case 2:
                if (open) {
                    const bool taken = random() % 2 == 0;
                    if (taken)
                        for (const auto& e : *open)
                            highest[e.where.partition.value] = e.next.value;
                    c.finished(taken ? *open : std::vector<commit_schedule::entry>{});
                    open.reset();
                }
                break;
            default:
                EXPECT_EQ(c.in_flight(), open.has_value());
                break;
            }
        }
    }
}

TEST(decide, attempts_are_bounded_and_the_policy_has_the_last_word) {
    const failure_settings stops{
        .retry = {.first = std::chrono::milliseconds(100), .factor = 2, .limit = 3, .jitter = 0}};
    EXPECT_EQ(std::get<retry_after>(decide(retry, 1, stops, 0)).delay, std::chrono::milliseconds(100));
    EXPECT_EQ(std::get<retry_after>(decide(retry, 2, stops, 0)).delay, std::chrono::milliseconds(200));
    EXPECT_TRUE(std::holds_alternative<stop_partition>(decide(retry, 3, stops, 0)));
    EXPECT_TRUE(std::holds_alternative<stop_partition>(decide(dead_letter, 1, stops, 0)));
    EXPECT_TRUE(std::holds_alternative<stop_service>(decide(stop, 1, stops, 0)));
    const failure_settings goes_on{.rejected = rejected_policy::pass_over};
    EXPECT_TRUE(std::holds_alternative<pass_over>(decide(dead_letter, 1, goes_on, 0)));
    EXPECT_TRUE(std::holds_alternative<stop_service>(decide(stop, 1, goes_on, 0)))
        << "stop is never passed over";
}

std::vector<subscription> two(subscription a, subscription b) {
    std::vector<subscription> both;
    both.push_back(std::move(a));
    both.push_back(std::move(b));
    return both;
}

TEST(check_disjoint, two_subscriptions_of_a_group_may_not_read_one_topic) {
    auto same = check_disjoint("g", two({.name = "one", .topics = {topic_name("a.b")}},
                                        {.name = "two", .topics = {topic_name("a.b")}}));
    ASSERT_FALSE(same);
    EXPECT_EQ(same.error().code(), errc::group_conflict);
    for (const char* name : {"\"one\"", "\"two\"", "a.b"})
        EXPECT_NE(same.error().message().find(name), std::string::npos);
    EXPECT_FALSE(check_disjoint(
        "g", two({.name = "one", .topics = {topic_name("a.b")}}, {.name = "two", .pattern = "^a\\..*"})));
    EXPECT_TRUE(check_disjoint(
        "g", two({.name = "one", .topics = {topic_name("a.b")}}, {.name = "two", .pattern = "^b\\..*"})));
    EXPECT_EQ(check_disjoint(
                  "g", two({.name = "one", .topics = {topic_name("a.b")}}, {.name = "two", .pattern = "("}))
                  .error()
                  .code(),
              errc::invalid_setting);
}

} // namespace
} // namespace corvid
