// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/random.hpp>
#include <corvid/inbox/bisection.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace corvid::inbox_detail {
namespace {

using range = bisection::range;

TEST(bisection, of_nothing_is_settled) { EXPECT_EQ(bisection(0).next(), std::nullopt); }

TEST(bisection, a_named_culprit_costs_three_transactions) {
    bisection plan(500);
    EXPECT_EQ(plan.next(), (range{0, 500}));
    EXPECT_FALSE(plan.refused(200));
    EXPECT_EQ(plan.next(), (range{0, 200}));
    plan.committed();
    EXPECT_EQ(plan.next(), (range{200, 201}));
    EXPECT_TRUE(plan.refused(200));
    EXPECT_EQ(plan.next(), (range{201, 500}));
    plan.committed();
    EXPECT_EQ(plan.next(), std::nullopt);
}

TEST(bisection, a_culprit_outside_of_the_range_is_not_believed) {
    bisection plan(4);
    EXPECT_FALSE(plan.refused(9));
    EXPECT_EQ(plan.next(), (range{0, 2}));
}

class bisection_history : public testing::TestWithParam<std::uint64_t> {};

// Whoever is guilty and whatever the database names: all others are committed once, in order, and only the
// guilty are found so.
TEST_P(bisection_history, commits_the_innocent_in_order_and_finds_the_guilty_alone) {
    prng random(GetParam());
    const std::size_t records = 1 + random.below(300);
    std::set<std::size_t> guilty;
    for (auto n = random.below(12); n > 0; --n)
        guilty.insert(random.below(records));
    const bool named = random.chance(0.5);
    bisection plan(records);
    std::vector<std::size_t> committed, found;
    std::size_t transactions = 0;
    while (const auto next = plan.next()) {
        ASSERT_LT(++transactions, 2000U);
        const auto culprit = guilty.lower_bound(next->first);
        if (culprit == guilty.end() || *culprit >= next->last) {
            for (std::size_t i = next->first; i < next->last; ++i)
                committed.push_back(i);
            plan.committed();
        } else if (plan.refused(named ? std::optional(*culprit) : std::nullopt)) {
            found.push_back(next->first);
        }
    }
    EXPECT_TRUE(std::ranges::equal(found, guilty));
    EXPECT_TRUE(std::ranges::is_sorted(committed));
    EXPECT_EQ(committed.size() + found.size(), records);
    EXPECT_LE(transactions, named ? 1 + 3 * guilty.size() : 2 + 20 * guilty.size());
}

INSTANTIATE_TEST_SUITE_P(seeds, bisection_history, testing::Range<std::uint64_t>(0, 100));

} // namespace
} // namespace corvid::inbox_detail
