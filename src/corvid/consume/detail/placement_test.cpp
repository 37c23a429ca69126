// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/random.hpp>
#include <corvid/consume/detail/placement.hpp>

#include <gtest/gtest.h>

namespace corvid {
namespace {

using namespace std::chrono_literals;
using place = placement::place;

TEST(placement, a_cheap_handler_comes_to_the_loop_after_a_thousand_records) {
    placement where(place::workers);
    for (int i = 0; i < 999; ++i)
        EXPECT_FALSE(where.ran(1, 5us));
    EXPECT_TRUE(where.ran(1, 5us));
    EXPECT_EQ(where.at(), place::loop);
}

TEST(placement, a_handler_above_five_microseconds_in_the_mean_stays_on_the_workers) {
    placement where(place::workers);
    for (int i = 0; i < 100'000; ++i)
        EXPECT_FALSE(where.ran(10, 51us));
}

TEST(placement, one_slow_record_among_a_thousand_keeps_it_on_the_workers) {
    placement where(place::workers);
    for (int i = 0; i < 100'000; ++i)
        EXPECT_FALSE(where.ran(1, i % 1'000 == 999 ? 106us : 0us)) << i;
}

TEST(placement, a_slow_record_shows_in_a_run_of_cheap_ones) {
    placement where(place::workers);
    for (int i = 0; i < 10'000; ++i)
        EXPECT_FALSE(where.ran(256, i % 3 == 2 ? 256 * 5us + 101us : 10us));
}

TEST(placement, on_the_loop_a_long_run_of_cheap_records_is_no_slow_one) {
    placement where(place::loop);
    EXPECT_FALSE(where.ran(256, 256 * 5us + 1ms));
    EXPECT_EQ(where.at(), place::loop);
    EXPECT_TRUE(where.ran(256, 256 * 5us + 1ms + 1ns));
    EXPECT_EQ(where.at(), place::workers);
}

TEST(placement, one_slow_run_sends_it_back_and_it_has_to_prove_itself_anew) {
    placement where(place::loop);
    EXPECT_TRUE(where.ran(1, 2ms));
    for (int i = 0; i < 3; ++i)
        EXPECT_FALSE(where.ran(256, 1us));
    EXPECT_TRUE(where.ran(256, 1us));
}

/// Against what it says of itself, over random runs: what was seen in a row since the last move, or since the
/// last run that was late.
class placement_histories : public testing::TestWithParam<int> {};

TEST_P(placement_histories, moves_are_as_its_limits_say_and_never_otherwise) {
    SCOPED_TRACE("seed " + std::to_string(GetParam()));
    prng random(static_cast<std::uint64_t>(GetParam()));
    const placement::limits limits;
    placement where(GetParam() % 2 == 0 ? place::workers : place::loop);
    std::size_t seen = 0;
    duration spent{};
    const std::uint64_t cost = 1 + random.below(9'000);
    for (int i = 0; i < 20'000; ++i) {
        const std::size_t records = 1 + random.below(256);
        duration took(static_cast<std::int64_t>(records * random.below(cost)));
        if (random.below(200) == 0) took += std::chrono::microseconds(random.below(3'000));
        const duration late = took - limits.mean * static_cast<std::int64_t>(records);
        const place before = where.at();
        const bool moved = where.ran(records, took);
        ASSERT_EQ(moved, before != where.at());
        if (before == place::loop) {
            ASSERT_EQ(moved, late > limits.intolerable);
            continue;
        }
        seen += records;
        spent += took;
        const bool window_over = seen >= limits.records || late > limits.tolerated;
        const bool cheap = seen >= limits.records && late <= limits.tolerated &&
                           spent <= limits.mean * static_cast<std::int64_t>(seen);
        ASSERT_EQ(moved, cheap) << "run " << i;
        if (window_over) {
            seen = 0;
            spent = {};
        }
    }
}

INSTANTIATE_TEST_SUITE_P(seeds, placement_histories, testing::Range(1, 101));

} // namespace
} // namespace corvid
