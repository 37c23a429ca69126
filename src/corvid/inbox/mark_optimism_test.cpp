// SPDX-License-Identifier: Apache-2.0
#include <corvid/inbox/mark_optimism.hpp>

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace corvid::inbox_detail {
namespace {

TEST(mark_optimism_test, an_id_seems_new_until_it_was_asked_for) {
    mark_optimism one;
    EXPECT_TRUE(one.seems_new("a"));
    EXPECT_FALSE(one.seems_new("a"));
    EXPECT_TRUE(one.seems_new("b"));
    EXPECT_TRUE(one.seems_new(""));
    EXPECT_FALSE(one.seems_new(""));
}

TEST(mark_optimism_test, what_was_asked_for_among_the_last_thousands_is_known) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 draw(seed);
    mark_optimism one;
    int forgotten = 0, repeats = 0;
    for (int i = 0; i < 300'000; ++i) {
        if (i > 8'000 && i % 10 == 0) {
            ++repeats;
            const auto back = 1 + draw() % 8'000;
            forgotten += one.seems_new("event " + std::to_string(i - 10 * static_cast<int>(back / 10) - 9));
        } else {
            (void)one.seems_new("event " + std::to_string(i));
        }
    }
    EXPECT_LT(forgotten, repeats / 1'000);
}

TEST(mark_optimism_test, old_ones_are_forgotten) {
    mark_optimism one;
    (void)one.seems_new("old");
    for (int i = 0; i < 1'000'000; ++i)
        (void)one.seems_new(std::to_string(i));
    EXPECT_TRUE(one.seems_new("old"));
}

std::uint32_t careful_ones(mark_optimism& one) {
    std::uint32_t count = 0;
    while (!one.may_hope())
        ++count;
    return count;
}

TEST(mark_optimism_test, each_refusal_makes_it_careful_for_twice_as_long) {
    mark_optimism one;
    EXPECT_EQ(careful_ones(one), 0U);
    std::uint32_t expected = mark_optimism::least_caution;
    for (int i = 0; i < 20; ++i) {
        one.refuted();
        EXPECT_EQ(careful_ones(one), expected);
        expected = std::min(2 * expected, mark_optimism::most_caution);
        one.confirmed();
    }
}

TEST(mark_optimism_test, after_as_many_that_went_well_as_it_would_be_careful_for_it_begins_anew) {
    for (const std::uint32_t too_few : {1U, 0U}) {
        mark_optimism one;
        one.refuted();
        EXPECT_EQ(careful_ones(one), mark_optimism::least_caution);
        for (std::uint32_t i = too_few; i < 2 * mark_optimism::least_caution; ++i)
            one.confirmed();
        one.refuted();
        EXPECT_EQ(careful_ones(one), (1 + too_few) * mark_optimism::least_caution);
    }
}

} // namespace
} // namespace corvid::inbox_detail
