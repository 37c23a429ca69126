// SPDX-License-Identifier: Apache-2.0
//
// offset_ledger against a naive model: a set of unfinished offsets.
#include <corvid/base/random.hpp>
#include <corvid/base/random_test.hpp>
#include <corvid/lanes/offset_ledger.hpp>

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace corvid {
namespace {

constexpr epoch first{1}, second{2};

// What the ledger must answer, said with std::set.
struct ledger_model {
    std::set<std::int64_t> unfinished;
    std::int64_t end = 0;

    [[nodiscard]] std::int64_t frontier() const { return unfinished.empty() ? end : *unfinished.begin(); }
    void track_to(std::int64_t to) {
        for (; end < to; ++end)
            unfinished.insert(end);
    }
    std::int64_t mark(std::int64_t from, std::int64_t count) {
        const auto begin = unfinished.lower_bound(from), last = unfinished.lower_bound(from + count);
        const auto changed = std::distance(begin, last);
        unfinished.erase(begin, last);
        return changed;
    }
};

class ledger_history {
public:
    explicit ledger_history(std::uint64_t seed)
        : random_(seed), window_(1 + below(random_.below(2) ? 40 : 700)) {
        ledger_ = offset_ledger({.max_uncommitted = window_});
        begin(first);
    }
    void step() {
        switch (random_.below(12)) {
        case 0:
        case 1:
        case 2:
            return track();
        case 3:
            return skip();
        case 4:
            return mark_range();
        case 5:
            return stale();
        case 6:
            return random_.below(20) ? mark_oldest() : begin(next(now_));
        default:
            return mark_one();
        }
    }
    void agree() const {
        ASSERT_EQ(ledger_.frontier(), offset(model_.frontier()));
        ASSERT_EQ(ledger_.end(), offset(model_.end));
        ASSERT_EQ(ledger_.unfinished(), static_cast<std::int64_t>(model_.unfinished.size()));
        ASSERT_LE(ledger_.room(), window_);
        ASSERT_EQ(ledger_.pinned().has_value(), ledger_.room() <= 0);
        if (const auto pin = ledger_.pinned()) {
            ASSERT_EQ(pin->by, *ledger_.frontier());
            ASSERT_TRUE(model_.unfinished.contains(pin->by.value)) << "what pins is unfinished";
        }
    }

private:
    std::int64_t below(std::uint64_t n) { return static_cast<std::int64_t>(random_.below(n)); }
    void begin(epoch since) {
        now_ = since;
        model_ = {};
        model_.end = below(3) == 0 ? below(1LL << 40) : below(200);
        ledger_.assign(since, offset(model_.end));
    }
    void track() {
        const std::int64_t room = ledger_.room(), wanted = below(90);
        const std::int64_t to = ledger_.track_to(offset(model_.end + wanted)).value;
        ASSERT_EQ(to, model_.end + std::min(room, wanted));
        model_.track_to(to);
    }
    void skip() {
        const std::int64_t to = model_.end + (below(3) ? below(70) : below(3000));
        ledger_.skip_to(offset(to));
        model_.end = std::max(model_.end, to);
    }
    std::int64_t anywhere() {
        const std::int64_t low = model_.frontier() - 3;
        return low + below(static_cast<std::uint64_t>(model_.end - low + 4));
    }
    void mark_one() {
        const std::int64_t which = anywhere();
        ASSERT_EQ(ledger_.mark(now_, offset(which)), model_.mark(which, 1));
    }
    void mark_oldest() {
        ASSERT_EQ(ledger_.mark(now_, *ledger_.frontier()), model_.mark(model_.frontier(), 1));
    }
    void mark_range() {
        const std::int64_t from = anywhere(), count = below(2) ? below(20) : below(400);
        ASSERT_EQ(ledger_.mark(now_, offset(from), count), model_.mark(from, count));
    }
    void stale() {
        const auto other = static_cast<epoch>(static_cast<std::uint32_t>(now_) - 1);
        ASSERT_EQ(ledger_.mark(other, offset(anywhere())), 0);
        ASSERT_EQ(ledger_.mark(other, offset(anywhere()), below(300)), 0);
    }

    prng random_;
    std::int64_t window_;
    offset_ledger ledger_{{}};
    ledger_model model_;
    epoch now_ = first;
};

TEST(offset_ledger, agrees_with_a_set_of_unfinished_offsets_through_any_history) {
    for (std::uint64_t seed = 1; seed <= histories(40'000); ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        ledger_history history(seed);
        for (int i = 0; i < 60; ++i) {
            ASSERT_NO_FATAL_FAILURE(history.step());
            ASSERT_NO_FATAL_FAILURE(history.agree());
        }
    }
}

TEST(offset_ledger, the_whole_window_may_complete_backwards_again_and_again) {
    constexpr std::int64_t window = 1 << 20;
    offset_ledger ledger({.max_uncommitted = window});
    ledger.assign(first, offset(17));
    std::int64_t base = 17;
    for (int round = 0; round < 3; ++round, base += window) {
        ASSERT_EQ(ledger.track_to(offset(base + 2 * window)), offset(base + window));
        ASSERT_EQ(ledger.pinned()->by, offset(base));
        for (std::int64_t o = base + window - 1; o > base; --o)
            ASSERT_EQ(ledger.mark(first, offset(o)), 1);
        ASSERT_EQ(ledger.frontier(), offset(base));
        ASSERT_EQ(ledger.mark(first, offset(base)), 1);
        ASSERT_EQ(ledger.frontier(), offset(base + window));
    }
}

TEST(offset_ledger, a_gap_of_any_width_leaves_the_window_to_the_records) {
    offset_ledger ledger({.max_uncommitted = 4});
    ledger.assign(first, offset(0));
    std::int64_t at = 0;
    for (int i = 0; i < 4; ++i, at += 1'000'000'000'000) {
        ledger.skip_to(offset(at));
        ASSERT_EQ(ledger.track_to(offset(at + 1)), offset(at + 1));
    }
    EXPECT_EQ(ledger.pinned()->by, offset(0));
    for (int i = 3; i >= 0; --i)
        EXPECT_EQ(ledger.mark(first, offset(i * 1'000'000'000'000)), 1);
    EXPECT_EQ(ledger.frontier(), offset(3'000'000'000'001));
}

TEST(offset_ledger, nothing_counts_while_the_partition_is_not_assigned) {
    offset_ledger ledger({});
    EXPECT_EQ(ledger.frontier(), std::nullopt);
    ledger.assign(first, offset(5));
    ledger.track_to(offset(9));
    ledger.revoke();
    EXPECT_EQ(ledger.frontier(), std::nullopt);
    EXPECT_EQ(ledger.mark(first, offset(5)), 0);
    EXPECT_EQ(ledger.mark(epoch::none, offset(0), 9), 0);
    ledger.assign(second, offset(5));
    ledger.track_to(offset(9));
    EXPECT_EQ(ledger.mark(first, offset(5), 4), 0);
    EXPECT_EQ(ledger.frontier(), offset(5));
    EXPECT_EQ(ledger.unfinished(), 4);
}

TEST(offset_ledger, a_window_of_nothing_is_refused_by_its_name) {
    EXPECT_TRUE(ledger_settings().validate());
    const auto refused = ledger_settings{.max_uncommitted = 0}.validate();
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().describe().find("max_uncommitted"), std::string::npos);
}

} // namespace
} // namespace corvid
