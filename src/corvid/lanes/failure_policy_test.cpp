// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/random.hpp>
#include <corvid/base/random_test.hpp>
#include <corvid/lanes/failure_policy.hpp>

#include <gtest/gtest.h>

namespace corvid {
namespace {

using policy = failure_policy;
using when_rejected = policy::when_rejected;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr steady_time noon{std::chrono::hours(12)};

template <class Action>
bool is(const policy::action& a) {
    return std::holds_alternative<Action>(a);
}

policy::action give_up_as(when_rejected what) {
    return policy({.rejected = what}).decide(dead_letter("no such plane"), {.now = noon});
}

TEST(failure_policy, what_is_done_or_skipped_commits_whatever_the_attempt) {
    const policy p({.retry = {.limit = 1}});
    for (int attempt : {1, 2, 1'000}) {
        EXPECT_TRUE(is<policy::commit>(p.decide(done, {.number = attempt})));
        EXPECT_TRUE(is<policy::commit>(p.decide(skip, {.number = attempt})));
    }
}

TEST(failure_policy, a_retry_comes_no_earlier_than_its_back_off_and_ends_with_the_limit) {
    for (std::uint64_t seed = 1; seed <= histories(20'000); ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        prng random(seed);
        const exponential waits{.first = milliseconds(1 + random.below(500)),
                                .limit = 1 + static_cast<int>(random.below(8)),
                                .jitter = random.uniform() * 0.9,
                                .cap = seconds(60)};
        const policy p({.retry = waits, .rejected = when_rejected::dead_letters});
        const policy::attempt a{
            .number = 1 + static_cast<int>(random.below(10)), .now = noon, .random01 = random.uniform()};
        const auto action = p.decide(retry("later"), a);
        ASSERT_EQ(is<policy::again_at>(action), a.number < waits.limit);
        ASSERT_EQ(is<policy::dead_letter>(action), a.number >= waits.limit);
        if (const auto* again = std::get_if<policy::again_at>(&action)) {
            ASSERT_EQ(again->when, noon + waits.delay(a.number, a.random01));
        }
    }
}

TEST(failure_policy, retry_topics_follow_one_another_and_then_it_is_given_up) {
    const policy p({.retry = {.limit = 2},
                    .retry_topics = {seconds(5), seconds(60)},
                    .gives_up_order = true,
                    .rejected = when_rejected::dead_letters});
    EXPECT_TRUE(is<policy::again_at>(p.decide(retry, {.number = 1, .tier = 1})));
    for (std::size_t tier : {0u, 1u}) {
        const auto action = p.decide(retry, {.number = 2, .tier = tier});
        ASSERT_TRUE(is<policy::retry_topic>(action));
        EXPECT_EQ(std::get<policy::retry_topic>(action).tier, tier);
        EXPECT_EQ(std::get<policy::retry_topic>(action).delay, p.chosen().retry_topics[tier]);
    }
    EXPECT_TRUE(is<policy::dead_letter>(p.decide(retry, {.number = 2, .tier = 2})));
}

TEST(failure_policy, what_is_rejected_goes_where_the_settings_say_at_the_first_attempt) {
    EXPECT_TRUE(is<policy::dead_letter>(give_up_as(when_rejected::dead_letters)));
    EXPECT_TRUE(is<policy::park_key>(give_up_as(when_rejected::park_key)));
    EXPECT_TRUE(is<policy::pass_over>(give_up_as(when_rejected::pass_over)));
    EXPECT_TRUE(is<policy::stop_partition>(give_up_as(when_rejected::stop_partition)));
}

TEST(failure_policy, a_handler_that_says_stop_stops_the_service_whatever_the_settings) {
    for (auto what : {when_rejected::dead_letters, when_rejected::pass_over, when_rejected::park_key})
        EXPECT_TRUE(is<policy::stop_service>(policy({.rejected = what}).decide(stop("enough"), {})));
}

TEST(failure_policy, the_users_classes_win_and_where_they_know_nothing_the_handler_does) {
    const auto classify = [](const error& e) -> std::optional<error_kind> {
        if (e == errc::queue_full) return error_kind::rejected;
        if (e == errc::handler_rejected) return error_kind::retriable;
        if (e == errc::producer_fenced) return error_kind::fatal;
        return {};
    };
    const policy p({.rejected = when_rejected::dead_letters, .classify = classify});
    EXPECT_TRUE(is<policy::dead_letter>(p.decide(retry(error(errc::queue_full)), {})));
    EXPECT_TRUE(is<policy::again_at>(p.decide(dead_letter("not yet there"), {})));
    EXPECT_TRUE(is<policy::stop_service>(p.decide(retry(error(errc::producer_fenced)), {})));
    EXPECT_TRUE(is<policy::again_at>(p.decide(retry(error(errc::timed_out)), {})));
    EXPECT_TRUE(is<policy::commit>(p.decide(done, {})));
}

TEST(failure_policy, an_error_that_no_handler_judged_is_classed_by_the_table_of_codes) {
    for (const auto& row : error_codes()) {
        const policy p({.rejected = when_rejected::dead_letters});
        const auto action = p.decide(policy::outcome_of(error(row.code)), {});
        EXPECT_EQ(is<policy::again_at>(action), row.kind == error_kind::retriable) << row.name;
        EXPECT_EQ(is<policy::dead_letter>(action), row.kind == error_kind::rejected) << row.name;
        EXPECT_EQ(is<policy::stop_service>(action), row.kind == error_kind::fatal) << row.name;
    }
}

TEST(failure_policy, a_transfer_that_fails_is_tried_again_for_ever_and_within_the_cap) {
    const policy p({});
    for (int failed : {1, 2, 10, 1'000'000}) {
        const auto when = p.transfer_again_at(failed, noon, 0.999);
        EXPECT_GT(when, noon);
        EXPECT_LE(when, noon + std::chrono::minutes(1));
    }
}

std::string refusal(const policy::settings& s, order how) {
    const auto valid = s.validate(how);
    return valid ? std::string() : valid.error().describe();
}

TEST(failure_policy, settings_that_clash_are_refused_with_both_names) {
    EXPECT_EQ(refusal({}, by_key), "");
    EXPECT_EQ(refusal({.retry_topics = {seconds(1)}, .gives_up_order = true}, by_key), "");
    EXPECT_EQ(refusal({.retry_topics = {seconds(1)}}, unordered), "");
    for (order how : {by_key, by_partition}) {
        const auto why = refusal({.retry_topics = {seconds(1)}}, how);
        EXPECT_NE(why.find("retry_topics"), std::string::npos) << why;
        EXPECT_NE(why.find("gives_up_order"), std::string::npos) << why;
        EXPECT_NE(why.find("order"), std::string::npos) << why;
    }
    EXPECT_NE(refusal({.rejected = when_rejected::park_key}, unordered).find("park_key"), std::string::npos);
    EXPECT_NE(
        refusal({.retry_topics = {seconds(1)}, .gives_up_order = true, .rejected = when_rejected::park_key},
                by_key)
            .find("retry_topics"),
        std::string::npos);
    EXPECT_NE(refusal({.retry_topics = {seconds(2), seconds(1)}}, unordered).find("retry_topics"),
              std::string::npos);
    EXPECT_NE(refusal({.retry = {.limit = 0}}, by_key).find("limit"), std::string::npos);
}

TEST(failure_policy, tiers_that_would_be_one_topic_are_refused) {
    using std::chrono::microseconds;
    using std::chrono::milliseconds;
    for (const std::vector<duration>& tiers : {std::vector<duration>{seconds(10), seconds(10)},
                                               {milliseconds(1), microseconds(1'500)},
                                               {microseconds(500)},
                                               {seconds(0), seconds(1)},
                                               {seconds(1), seconds(5), seconds(5), seconds(9)}}) {
        const std::string why = refusal({.retry_topics = tiers}, unordered);
        EXPECT_NE(why.find("retry_topics"), std::string::npos) << tiers.front().count();
    }
    EXPECT_EQ(refusal({.retry_topics = {milliseconds(1), milliseconds(2), seconds(1)}}, unordered), "");
}

} // namespace
} // namespace corvid
