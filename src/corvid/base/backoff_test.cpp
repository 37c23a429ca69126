// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/backoff.hpp>
#include <corvid/base/random.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace corvid {
namespace {

using namespace std::chrono_literals;

exponential any_valid(prng& random) {
    exponential policy;
    policy.first = duration(1 + random.below(10'000'000'000));
    policy.factor = 1 + random.uniform() * 10;
    policy.jitter = random.chance(0.3) ? 0 : random.uniform();
    policy.cap =
        random.chance(0.1) ? duration::max() : policy.first + duration(random.below(1'000'000'000'000));
    return policy;
}

class backoff_seeds : public testing::TestWithParam<std::uint64_t> {};

TEST_P(backoff_seeds, every_delay_is_within_jitter_of_its_base_and_never_above_the_cap) {
    SCOPED_TRACE(testing::Message() << "seed " << GetParam());
    prng random(GetParam());
    for (int i = 0; i < 1000; ++i) {
        const exponential policy = any_valid(random);
        ASSERT_TRUE(policy.validate().has_value());
        const int attempt = 1 + static_cast<int>(random.below(40));
        const auto top = static_cast<double>(policy.cap.count()) / (1 + policy.jitter);
        const double base =
            std::min(static_cast<double>(policy.first.count()) * std::pow(policy.factor, attempt - 1), top);
        const auto waited = static_cast<double>(policy.delay(attempt, random.uniform()).count());
        EXPECT_GE(waited, std::floor(base * (1 - policy.jitter)) - base * 1e-12);
        EXPECT_LE(waited, base * (1 + policy.jitter) * (1 + 1e-12));
        EXPECT_LE(policy.delay(attempt, random.uniform()), policy.cap);
    }
}

TEST_P(backoff_seeds, delays_never_shrink_with_the_attempt_for_one_random_number) {
    SCOPED_TRACE(testing::Message() << "seed " << GetParam());
    prng random(GetParam());
    const exponential policy = any_valid(random);
    const double r = random.uniform();
    for (int attempt = 1; attempt < 3000; ++attempt)
        ASSERT_LE(policy.delay(attempt, r), policy.delay(attempt + 1, r)) << attempt;
}

INSTANTIATE_TEST_SUITE_P(seeds, backoff_seeds, testing::Range<std::uint64_t>(0, 20));

TEST(backoff, without_jitter_the_delays_are_the_powers_up_to_the_cap) {
    const exponential policy{.first = 100ms, .factor = 2, .jitter = 0, .cap = 1s};
    const duration expected[] = {100ms, 200ms, 400ms, 800ms, 1s, 1s};
    for (int attempt = 1; attempt <= 6; ++attempt)
        EXPECT_EQ(policy.delay(attempt, 0.5), expected[attempt - 1]);
}

TEST(backoff, no_attempt_number_overflows) {
    for (const duration cap : {duration(5min), duration::max()})
        for (const double factor : {1.0, 2.0, 1e300})
            for (const double r : {0.0, 0.5, std::nextafter(1.0, 0.0)}) {
                const exponential policy{.factor = factor, .cap = cap};
                for (const int attempt : {std::numeric_limits<int>::min(), -1, 0, 1, 63, 64, 65, 5000,
                                          std::numeric_limits<int>::max()}) {
                    EXPECT_GT(policy.delay(attempt, r), duration::zero());
                    EXPECT_LE(policy.delay(attempt, r), cap);
                }
            }
}

TEST(backoff, waiters_at_the_cap_stay_spread) {
    const exponential policy{};
    EXPECT_LT(policy.delay(1000, 0.1), policy.delay(1000, 0.5));
    EXPECT_LT(policy.delay(1000, 0.5), policy.delay(1000, 0.9));
}

TEST(backoff, is_exhausted_when_limit_attempts_were_made) {
    const exponential policy{.limit = 3};
    EXPECT_FALSE(policy.exhausted(2));
    EXPECT_TRUE(policy.exhausted(3));
}

TEST(backoff, settings_that_cannot_work_are_refused_by_name) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const double infinite = std::numeric_limits<double>::infinity();
    const std::pair<exponential, std::string> wrong[] = {
        {{.first = 0ms}, "first"},     {{.first = -1ms}, "first"},       {{.factor = 0.99}, "factor"},
        {{.factor = nan}, "factor"},   {{.factor = infinite}, "factor"}, {{.limit = 0}, "limit"},
        {{.jitter = -0.1}, "jitter"},  {{.jitter = 1}, "jitter"},        {{.jitter = nan}, "jitter"},
        {{.first = 6min}, "cap (300"},
    };
    for (const auto& [policy, name] : wrong) {
        const auto answer = policy.validate();
        ASSERT_FALSE(answer.has_value()) << name;
        EXPECT_EQ(answer.error().message().find(name), 0U) << answer.error().describe();
    }
    EXPECT_TRUE(exponential{}.validate().has_value());
}

} // namespace
} // namespace corvid
