// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/random.hpp>
#include <corvid/base/timer_queue.hpp>

#include <gtest/gtest.h>

#include <map>
#include <utility>
#include <vector>

namespace corvid {
namespace {

struct model_timer : timer {
    model_timer() : timer([](work&) noexcept {}) {}
};

// The reference: an ordered map from (time, number of the at()) to the timer.
class timer_queue_history : public testing::TestWithParam<std::uint64_t> {
protected:
    using key = std::pair<steady_time, std::uint64_t>;

    void add_one() {
        model_timer& node = timers_[random_.below(timers_.size())];
        if (node.pending()) return;
        const steady_time when{duration(random_.below(20))}; // few values, so that many are equal
        queue_.add(when, node);
        reference_.emplace(key{when, added_++}, &node);
    }
    void remove_one() {
        model_timer& node = timers_[random_.below(timers_.size())];
        const auto same = [&](const auto& entry) { return entry.second == &node; };
        const bool known = std::erase_if(reference_, same) > 0;
        EXPECT_EQ(queue_.remove(node), known);
        EXPECT_FALSE(node.pending());
    }
    void pop_one() {
        if (reference_.empty()) return;
        const auto first = reference_.begin();
        EXPECT_EQ(queue_.next_due(), first->first.first);
        EXPECT_EQ(&queue_.pop(), first->second);
        EXPECT_FALSE(first->second->pending());
        reference_.erase(first);
    }

    prng random_{GetParam()};
    std::vector<model_timer> timers_ = std::vector<model_timer>(1 + prng(GetParam()).below(60));
    timer_queue queue_;
    std::map<key, timer*> reference_;
    std::uint64_t added_ = 0;
};

TEST_P(timer_queue_history, any_history_of_add_remove_and_pop_agrees_with_an_ordered_map) {
    SCOPED_TRACE(testing::Message() << "seed " << GetParam());
    for (int step = 0; step < 2000 && !HasFailure(); ++step) {
        switch (random_.below(5)) {
        case 0:
        case 1:
        case 2:
            add_one();
            break;
        case 3:
            remove_one();
            break;
        default:
            pop_one();
        }
        EXPECT_EQ(queue_.size(), reference_.size());
        EXPECT_EQ(queue_.empty(), reference_.empty());
    }
    while (!reference_.empty() && !HasFailure())
        pop_one();
}

INSTANTIATE_TEST_SUITE_P(seeds, timer_queue_history, testing::Range<std::uint64_t>(0, 50));

TEST(timer_queue, clearing_makes_every_timer_idle_and_usable_again) {
    std::vector<model_timer> timers(5);
    timer_queue queue;
    for (model_timer& each : timers)
        queue.add(steady_time{}, each);
    queue.clear();
    EXPECT_TRUE(queue.empty());
    for (model_timer& each : timers) {
        EXPECT_FALSE(each.pending());
        EXPECT_FALSE(queue.remove(each));
        queue.add(steady_time{}, each);
    }
    EXPECT_EQ(queue.size(), timers.size());
}

TEST(timer_queue, is_due_from_its_earliest_time_on) {
    model_timer node;
    timer_queue queue;
    EXPECT_FALSE(queue.due_at(steady_time::max()));
    queue.add(steady_time{duration(10)}, node);
    EXPECT_FALSE(queue.due_at(steady_time{duration(9)}));
    EXPECT_TRUE(queue.due_at(steady_time{duration(10)}));
}

} // namespace
} // namespace corvid
