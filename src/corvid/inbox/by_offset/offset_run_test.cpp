// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/random.hpp>
#include <corvid/inbox/by_offset/offset_run.hpp>

#include <gtest/gtest.h>

#include <algorithm>

namespace corvid::inbox_detail {
namespace {

using namespace std::chrono_literals;

const writer_settings limits{.max_records = 4,
                             .max_bytes = 10'000,
                             .linger = 5ms,
                             .retry = {.first = 100ms, .limit = 3, .jitter = 0, .cap = 1s}};
constexpr steady_time opened{1h};
const error rejected(errc::statement_rejected);

offset_effect effect_of(std::int64_t offset) {
    return {.tag = static_cast<std::uint64_t>(offset), .offset = offset};
}

struct taken {
    std::int64_t first = -1, last = -1;
    std::vector<std::int64_t> offsets = {};
    friend bool operator==(const taken&, const taken&) = default;
};

taken take(offset_run& run, steady_time now) {
    const auto some = run.take(now);
    if (!some) return {};
    taken out{some->first, some->last};
    for (const offset_effect* each : some->effects)
        out.offsets.push_back(each->offset);
    return out;
}

TEST(offset_run, covers_what_is_completed_without_a_gap_in_order_of_offset) {
    offset_run run(limits, 10);
    run.add(effect_of(12));
    run.add(effect_of(10));
    EXPECT_EQ(run.due(), std::nullopt) << "nothing is completed";
    run.complete(13, opened);
    EXPECT_EQ(take(run, opened + 4ms), taken{});
    EXPECT_EQ(take(run, opened + 5ms), (taken{10, 13, {10, 12}})) << "11 is completed without an effect";
    run.complete(14, opened + 5ms);
    EXPECT_EQ(take(run, opened + 99ms), taken{}) << "one at a time";
    run.committed(opened + 5ms);
    EXPECT_EQ(take(run, opened + 10ms), (taken{13, 14, {}})) << "the row moves without effects, too";
}

TEST(offset_run, closes_when_it_is_full_and_waits_then_for_nothing) {
    offset_run run(limits, 0);
    for (std::int64_t offset = 0; offset < 6; ++offset)
        run.add(effect_of(offset));
    run.complete(6, opened);
    EXPECT_EQ(take(run, opened), (taken{0, 4, {0, 1, 2, 3}}));
    run.committed(opened);
    run.flush();
    EXPECT_EQ(take(run, opened), (taken{4, 6, {4, 5}}));
}

TEST(offset_run, a_refused_record_is_cut_out_told_once_and_holds_the_partition) {
    offset_run run(limits, 0);
    for (std::int64_t offset = 0; offset < 4; ++offset)
        run.add(effect_of(offset));
    run.complete(4, opened);
    EXPECT_EQ(take(run, opened).last, 4);
    run.refused(2, rejected, opened, 0);
    EXPECT_EQ(take(run, opened), (taken{0, 2, {0, 1}}));
    run.committed(opened);
    EXPECT_EQ(take(run, opened), (taken{2, 3, {2}}));
    run.refused(0, rejected, opened, 0);
    EXPECT_TRUE(run.held());
    EXPECT_EQ(run.due(), std::nullopt);
    auto told = run.take_settled();
    ASSERT_EQ(told.size(), 3U);
    EXPECT_FALSE(told[2].outcome);
    run.add(effect_of(2)); // the handler ran again
    EXPECT_EQ(take(run, opened), (taken{2, 3, {2}}));
    run.refused(std::nullopt, rejected, opened, 0);
    run.drop(2); // dead-lettered
    ASSERT_EQ(take(run, opened + 5ms), (taken{2, 4, {3}}));
    run.committed(opened);
    EXPECT_EQ(run.next(), 4);
}

TEST(offset_run, one_that_comes_again_is_known_by_its_offset) {
    offset_run run(limits, 5);
    run.add(effect_of(4));
    const auto told = run.take_settled();
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].outcome, processing::already_processed);
}

TEST(offset_run, covers_what_was_handed_in_and_the_gaps_between) {
    offset_run run(limits, 3);
    run.expect(5, 7); // 3 and 4 are no records
    run.expect(9, 10);
    run.hand_in(effect_of(6), opened);
    EXPECT_EQ(run.due(), opened + 5ms) << "the gap alone";
    run.hand_in(effect_of(5), opened);
    EXPECT_EQ(take(run, opened + 5ms), (taken{3, 9, {5, 6}}));
    EXPECT_EQ(run.waiting_since(), opened);
    run.committed(opened + 5ms);
    EXPECT_EQ(run.waiting_since(), std::nullopt);
    run.hand_in(effect_of(9), opened);
    EXPECT_EQ(take(run, opened + 9ms), (taken{9, 10, {9}}));
}

TEST(offset_run, what_is_taken_back_or_cut_off_is_given_back_and_not_written) {
    offset_run run(limits, 0);
    run.expect(0, 3);
    for (const std::int64_t offset : {1, 0, 2})
        run.hand_in(effect_of(offset), opened);
    run.take_back(1);
    EXPECT_EQ(take(run, opened + 5ms), (taken{0, 1, {0}}));
    run.take_back(0); // it is under way
    run.hand_in(effect_of(0), opened);
    run.cut_from(2);
    run.committed(opened);
    run.hand_in(effect_of(1), opened);
    EXPECT_EQ(take(run, opened + 10ms), (taken{1, 2, {1}}));
    run.committed(opened);
    run.hand_in(effect_of(2), opened);
    EXPECT_EQ(run.due(), std::nullopt);
    std::string fates;
    for (const settled& each : run.take_settled())
        fates += std::to_string(each.tag) + (each.outcome ? '+' : '-');
    EXPECT_EQ(fates, "1-2-0+0+1+2-");
}

TEST(offset_run, goes_on_behind_what_another_has_written) {
    offset_run run(limits, 0);
    run.expect(0, 6);
    for (const std::int64_t offset : {0, 1, 2, 3, 5})
        run.hand_in(effect_of(offset), opened);
    EXPECT_EQ(take(run, opened + 5ms).last, 4);
    run.moved_to(3);
    EXPECT_EQ(run.take_settled().size(), 3U);
    EXPECT_EQ(take(run, opened + 10ms), (taken{3, 4, {3}}));
    run.moved_to(9); // beyond all that was taken
    EXPECT_EQ(run.take_settled().size(), 2U);
    run.expect(6, 10);
    for (const std::int64_t offset : {9, 6, 7, 8, 4})
        run.hand_in(effect_of(offset), opened);
    EXPECT_EQ(take(run, opened + 10ms), (taken{9, 10, {9}}));
}

TEST(offset_run, a_record_alone_is_taken_when_it_is_the_next) {
    offset_run run(limits, 0);
    run.expect(0, 3);
    run.hand_in(effect_of(0), opened);
    run.hand_in(effect_of(2), opened);
    EXPECT_FALSE(run.take_alone(1, 2));
    EXPECT_EQ(take(run, opened + 5ms).last, 1);
    EXPECT_FALSE(run.take_alone(1, 2)) << "a run is under way";
    run.committed(opened);
    ASSERT_TRUE(run.take_alone(1, 2));
    EXPECT_EQ(run.due(), std::nullopt);
    run.put_back();
    ASSERT_TRUE(run.take_alone(1, 2));
    run.committed(opened);
    EXPECT_EQ(take(run, opened + 10ms), (taken{2, 3, {2}}));
}

// Handlers end in any order, some records have no effect, some are refused for ever or for a while: the
// effects that are committed are those of all others, once, in order of offset.
class run_history : public testing::TestWithParam<std::uint64_t> {
protected:
    static constexpr std::int64_t count = 150;

    run_history() {
        for (std::int64_t offset = 0; offset < count; ++offset) {
            with_effect_.push_back(random_.chance(0.8));
            bad_.push_back(with_effect_.back() && random_.chance(0.05));
            if (with_effect_.back()) to_end_.push_back(offset);
        }
        for (std::size_t i = to_end_.size(); i > 1; --i)
            std::swap(to_end_[i - 1], to_end_[i - 1 - random_.below(std::min<std::size_t>(i, 8))]);
        std::ranges::reverse(to_end_);
    }
    void end_one() {
        if (to_end_.empty()) return;
        run_.add(effect_of(to_end_.back()));
        to_end_.pop_back();
        std::int64_t below = count;
        for (const std::int64_t offset : to_end_)
            below = std::min(below, offset);
        run_.complete(below, now_);
    }
    void write() {
        const auto some = run_.take(now_);
        if (!some) return;
        EXPECT_EQ(some->first, expected_) << "seed " << GetParam();
        const auto culprit = std::ranges::find_if(
            some->effects, [&](const offset_effect* e) { return bad_[static_cast<std::size_t>(e->offset)]; });
        if (random_.chance(0.05)) {
            run_.trouble(error(errc::database_unreachable), false, now_, random_.uniform());
        } else if (culprit != some->effects.end()) {
            const auto index = static_cast<std::size_t>(culprit - some->effects.begin());
            run_.refused(random_.chance(0.5) ? std::optional(index) : std::nullopt, rejected, now_, 0);
        } else {
            for (const offset_effect* each : some->effects)
                committed_.push_back(each->offset);
            expected_ = some->last;
            run_.committed(now_);
        }
    }
    void deal_with_refused() {
        for (const settled& each : run_.take_settled())
            if (!each.outcome) run_.drop(static_cast<std::int64_t>(each.tag));
    }

    prng random_{GetParam()};
    offset_run run_{limits, 0};
    steady_time now_ = opened;
    std::vector<bool> with_effect_, bad_;
    std::vector<std::int64_t> to_end_; // the next one last
    std::vector<std::int64_t> committed_;
    std::int64_t expected_ = 0;
};

TEST_P(run_history, commits_the_effects_of_all_good_records_once_and_in_order) {
    for (int step = 0; step < 20'000 && run_.next() < count; ++step) {
        now_ += 3ms;
        if (random_.chance(0.5)) end_one();
        write();
        deal_with_refused();
    }
    ASSERT_EQ(run_.next(), count) << "seed " << GetParam();
    std::vector<std::int64_t> good;
    for (std::int64_t offset = 0; offset < count; ++offset)
        if (with_effect_[static_cast<std::size_t>(offset)] && !bad_[static_cast<std::size_t>(offset)])
            good.push_back(offset);
    EXPECT_EQ(committed_, good) << "seed " << GetParam();
}

INSTANTIATE_TEST_SUITE_P(seeds, run_history, testing::Range<std::uint64_t>(0, 100));

} // namespace
} // namespace corvid::inbox_detail
