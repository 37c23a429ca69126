// SPDX-License-Identifier: Apache-2.0
//
// The pure parts: commit_schedule, check_disjoint, validate.
#include <corvid/consume/commit_schedule.hpp>
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

/// What validate() says of it, the hint included; empty: it is taken.
std::string said_of(subscription one) {
    one.name = "billing";
    auto answer = validate(one, {.source = {.group = "g"}});
    return answer ? "" : answer.error().describe();
}

void expect_named(const std::string& text, std::initializer_list<const char*> names) {
    for (const char* name : names)
        EXPECT_NE(text.find(name), std::string::npos) << name << " is not named in: " << text;
}

TEST(validate_subscription, what_cannot_work_is_refused_with_both_settings_named) {
    EXPECT_EQ(said_of({}), "");
    expect_named(said_of({.concurrency = 0}), {"concurrency", "billing"});
    expect_named(said_of({.order = by_partition, .key = [](const auto&) { return std::nullopt; }}),
                 {"key", "order", "by_key"});
    expect_named(said_of({.commit = commit_mode::by_hand}), {"commit", "by_hand", "order"});
    expect_named(said_of({.failure = {.retry_topics = {std::chrono::seconds(5)}}}),
                 {"retry_topics", "order", "gives_up_order"});
    expect_named(said_of({.failure = {.rejected = when_rejected::dead_letters}}), {"rejected", "producer"});
    expect_named(said_of({.intake = {.waiting_bytes = 0}}), {"waiting_bytes"});
    expect_named(said_of({.window = {.max_uncommitted = 0}}), {"max_uncommitted"});
}

TEST(validate_group, a_drain_that_outlasts_the_poll_interval_is_refused_with_both_named) {
    const auto answer =
        validate(group_settings{.source = {.group = "g", .max_poll_interval = std::chrono::seconds(60)},
                                .rebalance_drain = std::chrono::seconds(60)});
    ASSERT_FALSE(answer);
    expect_named(answer.error().describe(),
                 {"rebalance_drain (60000 ms)", "shutdown.drain", "kafka.max_poll_interval"});
}

} // namespace
} // namespace corvid
