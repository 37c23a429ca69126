// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/random.hpp>
#include <corvid/middleware/token_bucket.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace corvid {
namespace {

using namespace std::chrono_literals;

TEST(token_bucket, gives_its_burst_at_once_and_then_its_rate) {
    token_bucket b({.per_second = 10, .burst = 3});
    steady_time now(100s);
    for (int i = 0; i < 3; ++i)
        EXPECT_TRUE(b.take(now));
    EXPECT_FALSE(b.take(now));
    EXPECT_EQ(b.next(now), now + 100ms);
    EXPECT_FALSE(b.take(now + 99ms));
    EXPECT_TRUE(b.take(now + 100ms));
    EXPECT_FALSE(b.take(now + 199ms));
}

TEST(token_bucket, what_is_reserved_comes_in_the_order_of_asking_and_nobody_overtakes) {
    token_bucket b({.per_second = 10, .burst = 1});
    steady_time now(100s);
    EXPECT_EQ(b.reserve(now), now);
    EXPECT_EQ(b.reserve(now), now + 100ms);
    EXPECT_EQ(b.reserve(now), now + 200ms);
    EXPECT_FALSE(b.take(now + 200ms));
    EXPECT_TRUE(b.take(now + 300ms));
}

TEST(token_bucket, what_is_given_back_is_there_again) {
    token_bucket b({.per_second = 1, .burst = 1});
    steady_time now(100s);
    ASSERT_TRUE(b.take(now));
    b.give_back();
    EXPECT_TRUE(b.take(now));
}

// In any span at most burst + rate · length; and where somebody always asks, no less than the rate.
TEST(token_bucket, grants_its_rate_and_never_more_through_any_history) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        prng random(seed);
        const rate_settings rule{.per_second = 1 + random.uniform() * 5'000,
                                 .burst = 1 + static_cast<double>(random.below(50))};
        ASSERT_TRUE(rule.validate());
        token_bucket b(rule);
        steady_time now(std::chrono::seconds(random.below(100)));
        std::vector<steady_time> granted;
        const bool greedy = random.chance(0.5);
        const steady_time begun = now;
        for (int i = 0; i < 2'000; ++i) {
            if (random.chance(0.2))
                granted.push_back(b.reserve(now));
            else if (b.take(now))
                granted.push_back(now);
            now = greedy ? b.next(now) : now + std::chrono::microseconds(random.below(3'000));
        }
        ASSERT_TRUE(std::ranges::is_sorted(granted));
        const double interval = std::round(1e9 / rule.per_second) / 1e9;
        for (std::size_t from = 0; from < granted.size(); from += 37)
            for (std::size_t to = from; to < granted.size(); to += 11) {
                const double span = std::chrono::duration<double>(granted[to] - granted[from]).count();
                ASSERT_LE(static_cast<double>(to - from + 1), rule.burst + span / interval + 1.001);
            }
        if (!greedy) continue;
        const double span = std::chrono::duration<double>(granted.back() - begun).count();
        ASSERT_GE(static_cast<double>(granted.size()) + 1, span / interval);
    }
}

TEST(token_bucket, settings_that_cannot_work_are_refused) {
    EXPECT_FALSE((rate_settings{.per_second = -1}.validate()));
    EXPECT_FALSE((rate_settings{.per_second = 1e9}.validate()));
    EXPECT_FALSE((rate_settings{.per_second = 1, .burst = 0.5}.validate()));
    EXPECT_TRUE((rate_settings{.per_second = 0.01}.validate()));
    EXPECT_EQ((rate_settings{.per_second = 200}.its_burst()), 20);
    EXPECT_EQ((rate_settings{.per_second = 2}.its_burst()), 1);
}

} // namespace
} // namespace corvid
