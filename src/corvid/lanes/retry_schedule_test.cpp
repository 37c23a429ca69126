// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/random.hpp>
#include <corvid/base/random_test.hpp>
#include <corvid/lanes/retry_schedule.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

namespace corvid {
namespace {

steady_time at(std::uint64_t tick) { return steady_time(duration(tick)); }

// The reference: a multimap, which keeps equal times in the order of insertion.
class schedule_history {
public:
    explicit schedule_history(std::uint64_t seed) : random_(seed) {}

    void step() {
        switch (random_.below(4)) {
        case 0:
        case 1:
            return add();
        case 2:
            return cancel();
        default:
            pass_time();
        }
    }
    void agree() const {
        ASSERT_EQ(schedule_.size(), reference_.size());
        ASSERT_EQ(schedule_.empty(), reference_.empty());
        const auto first = reference_.empty() ? std::nullopt : std::optional(reference_.begin()->first);
        ASSERT_EQ(schedule_.next_due(), first);
    }

private:
    void add() {
        auto& e = entries_[random_.below(entries_.size())];
        if (e.pending()) return;
        const steady_time when = now_ + duration(random_.below(12));
        schedule_.add(when, e);
        ASSERT_TRUE(e.pending());
        reference_.emplace(when, &e);
    }
    void cancel() {
        auto& e = entries_[random_.below(entries_.size())];
        const auto removed = std::erase_if(reference_, [&](const auto& r) { return r.second == &e; });
        ASSERT_EQ(schedule_.cancel(e), removed > 0);
    }
    void pass_time() {
        now_ += duration(random_.below(8));
        while (schedule_entry* e = schedule_.pop_due(now_)) {
            ASSERT_FALSE(reference_.empty());
            ASSERT_EQ(e, reference_.begin()->second);
            ASSERT_LE(e->due_at(), now_);
            ASSERT_FALSE(e->pending());
            reference_.erase(reference_.begin());
        }
        ASSERT_TRUE(reference_.empty() || reference_.begin()->first > now_) << "what is due has come";
    }

    prng random_;
    retry_schedule schedule_;
    std::vector<schedule_entry> entries_ = std::vector<schedule_entry>(25);
    std::multimap<steady_time, schedule_entry*> reference_;
    steady_time now_{};
};

TEST(retry_schedule, agrees_with_a_multimap_of_times_in_any_history) {
    for (std::uint64_t seed = 1; seed <= histories(20'000); ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        schedule_history history(seed);
        for (int i = 0; i < 50; ++i) {
            ASSERT_NO_FATAL_FAILURE(history.step());
            ASSERT_NO_FATAL_FAILURE(history.agree());
        }
    }
}

TEST(retry_schedule, nothing_comes_before_its_time) {
    retry_schedule schedule;
    schedule_entry e;
    schedule.add(at(10), e);
    EXPECT_EQ(schedule.pop_due(at(9)), nullptr);
    EXPECT_EQ(schedule.pop_due(at(10)), &e);
    EXPECT_EQ(schedule.pop_due(at(99)), nullptr);
}

} // namespace
} // namespace corvid
