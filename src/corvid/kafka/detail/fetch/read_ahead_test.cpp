// SPDX-License-Identifier: Apache-2.0
#include <corvid/kafka/detail/fetch/read_ahead.hpp>

#include <gtest/gtest.h>

#include <random>

namespace corvid::kafka {
namespace {

/// librdkafka as read_ahead.hpp describes it: it fetches until a limit is reached, then sleeps until it is
/// woken.
class sleeper {
public:
    sleeper(read_ahead::limits most, std::size_t at_once, std::size_t each)
        : most_(most), at_once_(at_once), each_(each), known_(most) {}

    void fetch() {
        while (waiting_ < most_.records && waiting_ * each_ < most_.bytes)
            waiting_ += at_once_;
    }
    /// How often it was woken, so far.
    [[nodiscard]] std::size_t woken() const noexcept { return woken_; }
    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }
    void take(std::size_t most) {
        const std::size_t count = std::min(most, waiting_);
        waiting_ -= count;
        if (!known_.taken(count, count * each_, waiting_)) return;
        ++woken_;
        fetch();
    }

private:
    read_ahead::limits most_;
    std::size_t at_once_, each_, waiting_ = 0, woken_ = 0;
    read_ahead known_;
};

TEST(read_ahead, whoever_fetches_is_woken_before_nothing_is_left) {
    for (std::uint64_t seed = 1; seed <= 1'000; ++seed) {
        std::mt19937_64 random(seed);
        const auto below = [&](std::size_t bound) {
            return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random);
        };
        const read_ahead::limits most{.records = 1 + below(2'000), .bytes = 1 + below(200'000)};
        sleeper fetching(most, 1 + below(500), below(300));
        fetching.fetch();
        for (int i = 0; i < 500; ++i) {
            fetching.take(1 + below(64));
            ASSERT_GT(fetching.waiting(), 0U) << "seed " << seed << ", take " << i;
        }
    }
}

TEST(read_ahead, it_is_woken_once_for_what_it_fetches_at_once) {
    sleeper fetching({.records = 100'000}, 10'000, 100);
    fetching.fetch();
    constexpr std::size_t takes = 100'000;
    for (std::size_t i = 0; i < takes; ++i)
        fetching.take(256);
    EXPECT_LE(fetching.woken(), takes * 256 / 25'000 + 1);
}

TEST(read_ahead, what_never_reaches_its_limits_wakes_nobody) {
    read_ahead known({.records = 1'000, .bytes = 1'000'000});
    for (int i = 0; i < 1'000; ++i)
        EXPECT_FALSE(known.taken(256, 25'600, 400));
    read_ahead none;
    EXPECT_FALSE(none.taken(1'000'000, 1'000'000'000, 0));
    EXPECT_FALSE(known.taken(0, 0, 5'000));
}

TEST(read_ahead, large_records_count_by_their_size) {
    read_ahead known({.records = 100'000, .bytes = 1'000'000});
    EXPECT_FALSE(known.taken(1, 100'000, 9));
    EXPECT_FALSE(known.taken(1, 100'000, 8));
    EXPECT_TRUE(known.taken(1, 100'000, 7));
    EXPECT_FALSE(known.taken(1, 100'000, 6));
}

} // namespace
} // namespace corvid::kafka
