// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/random.hpp>
#include <corvid/inbox/effect_queue.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace corvid::inbox_detail {
namespace {

using namespace std::chrono_literals;
using fate = write_outcome::fate;

const writer_settings settings{.max_records = 4,
                               .max_bytes = 10'000,
                               .linger = 5ms,
                               .retry = {.first = 100ms, .limit = 3, .jitter = 0, .cap = 1s}};
constexpr steady_time start{1h};

effect make(std::uint64_t tag, std::uint64_t lane = 0) {
    return {.tag = tag, .lane = lane, .mark = {.id = "x"}};
}

std::vector<effect> batch_of(std::uint64_t tag, std::uint64_t lane = 0) {
    std::vector<effect> one;
    one.push_back(make(tag, lane));
    return one;
}

std::vector<std::uint64_t> tags(const std::vector<effect>& batch) {
    std::vector<std::uint64_t> list;
    for (const effect& each : batch)
        list.push_back(each.tag);
    return list;
}
using list = std::vector<std::uint64_t>;

write_report all(std::size_t count, write_outcome outcome) { return {.each = {count, outcome}}; }
const write_outcome done{fate::settled, processing::processed};
const write_outcome refused{fate::settled, fail(errc::statement_rejected)};
const write_outcome again{fate::again, fail(errc::database_busy)};
const write_outcome unwritten{};

TEST(effect_queue, waits_for_linger_or_until_it_is_full_or_flushed) {
    effect_queue queue(settings);
    EXPECT_EQ(queue.due(start), std::nullopt);
    queue.add(make(1), start);
    EXPECT_EQ(queue.due(start), start + 5ms);
    EXPECT_TRUE(queue.take(start + 4ms).empty());
    EXPECT_EQ(tags(queue.take(start + 5ms)), list{1});
    EXPECT_EQ(queue.due(start), std::nullopt) << "one transaction at a time";
    for (std::uint64_t tag = 2; tag < 8; ++tag)
        queue.add(make(tag), start + 5ms);
    EXPECT_TRUE(queue.take(start + 5ms).empty());
    queue.written(batch_of(1), all(1, done), start + 5ms, 0);
    EXPECT_EQ(tags(queue.take(start + 5ms)), (list{2, 3, 4, 5})) << "full: at once";
    queue.written({}, {}, start + 5ms, 0);
    EXPECT_TRUE(queue.take(start + 5ms).empty());
    queue.flush();
    EXPECT_EQ(tags(queue.take(start + 5ms)), (list{6, 7}));
}

TEST(effect_queue, closes_a_transaction_by_its_bytes_but_takes_a_large_record_alone) {
    effect_queue queue(settings);
    const auto large = [](std::uint64_t tag, std::size_t bytes) {
        effect one = make(tag);
        one.unit.execute(std::string(bytes, ' '));
        return one;
    };
    queue.add(large(1, 20'000), start);
    queue.add(large(2, 6'000), start);
    queue.add(large(3, 6'000), start);
    EXPECT_EQ(tags(queue.take(start)), list{1});
    queue.written({}, {}, start, 0);
    EXPECT_EQ(tags(queue.take(start)), list{2});
}

TEST(effect_queue, a_refused_record_takes_its_lane_with_it_until_reopened) {
    effect_queue queue(settings);
    for (std::uint64_t tag = 1; tag <= 4; ++tag)
        queue.add(make(tag, tag == 3 ? 9 : 7), start);
    queue.add(make(5, 7), start);
    auto batch = queue.take(start);
    queue.written(std::move(batch), {.each = {refused, unwritten, done, unwritten}}, start, 0);
    std::map<std::uint64_t, bool> told;
    for (const settled& each : queue.take_settled())
        told[each.tag] = !each.outcome && each.outcome.error() == errc::effect_held;
    EXPECT_EQ(told, (std::map<std::uint64_t, bool>{{1, false}, {2, true}, {3, false}, {4, true}, {5, true}}));
    queue.add(make(6, 7), start);
    EXPECT_EQ(queue.take_settled().size(), 1U);
    queue.reopen(7);
    queue.add(make(7, 7), start);
    EXPECT_EQ(tags(queue.take(start + 5ms)), list{7});
}

TEST(effect_queue, one_that_may_succeed_later_rests_while_other_lanes_go_on) {
    effect_queue queue(settings);
    for (std::uint64_t tag = 1; tag <= 3; ++tag)
        queue.add(make(tag, tag == 2 ? 9 : 7), start);
    queue.flush();
    steady_time now = start;
    auto batch = queue.take(now);
    queue.written(std::move(batch), {.each = {again, done, unwritten}}, now, 0);
    EXPECT_EQ(queue.due(now), now + 100ms);
    queue.add(make(4, 8), now);
    EXPECT_EQ(tags(queue.take(now + 5ms)), list{4});
    queue.written(batch_of(4, 8), all(1, done), now + 5ms, 0);
    now += 100ms;
    EXPECT_EQ(tags(queue.take(now)), (list{1, 3}));
}

TEST(effect_queue, the_databases_trouble_is_waited_out_and_nobody_is_told) {
    effect_queue queue(settings);
    for (std::uint64_t tag = 1; tag <= 4; ++tag)
        queue.add(make(tag, tag), start);
    steady_time now = start;
    for (int round = 0; round < 50; ++round) {
        const auto due = queue.due(now);
        ASSERT_TRUE(due);
        now = std::max(now, *due);
        auto batch = queue.take(now);
        ASSERT_FALSE(batch.empty());
        write_report report = all(batch.size(), unwritten);
        report.trouble = error(errc::database_unreachable);
        queue.written(std::move(batch), std::move(report), now, 0);
    }
    EXPECT_TRUE(queue.take_settled().empty());
    EXPECT_EQ(queue.size(), 4U);
    now = *queue.due(now);
    EXPECT_EQ(tags(queue.take(now)), list{1}) << "one alone tells whether it is back";
}

TEST(effect_queue, the_oldest_is_as_old_as_it_is_while_it_is_under_way_and_after_trouble) {
    effect_queue queue(settings);
    EXPECT_EQ(queue.oldest(), std::nullopt);
    queue.add(make(1, 1), start);
    queue.flush();
    auto batch = queue.take(start);
    queue.add(make(2, 2), start + 1s);
    EXPECT_EQ(queue.oldest(), start);
    write_report report = all(1, unwritten);
    report.trouble = error(errc::database_unreachable);
    queue.written(std::move(batch), std::move(report), start + 2s, 0);
    EXPECT_EQ(queue.oldest(), start);
    batch = queue.take(start + 1h);
    EXPECT_EQ(tags(batch), (list{1, 2}));
    EXPECT_EQ(queue.oldest(), start);
    queue.written(std::move(batch), all(2, done), start + 1h, 0);
    EXPECT_EQ(queue.oldest(), std::nullopt);
}

// A writer that fails at random, and an engine that hands in again what was held.
class queue_history : public testing::TestWithParam<std::uint64_t> {
protected:
    static constexpr std::uint64_t lanes = 5, each = 40;

    queue_history() {
        for (std::uint64_t lane = 0; lane < lanes; ++lane)
            for (std::uint64_t n = each; n > 0; --n)
                to_hand_in_[lane].push_back((n - 1) * lanes + lane);
    }
    [[nodiscard]] bool finished() const {
        return written_.size() == lanes &&
               std::ranges::all_of(written_, [](const auto& w) { return w.second == each; });
    }
    // What was given back goes first, once all of the lane has come back.
    void hand_in(std::uint64_t lane) {
        if (!outside_[lane].empty() && in_queue_[lane] == 0) {
            for (auto tag = outside_[lane].rbegin(); tag != outside_[lane].rend(); ++tag)
                to_hand_in_[lane].push_back(*tag);
            outside_[lane].clear();
            queue_.reopen(lane);
        }
        if (to_hand_in_[lane].empty() || !outside_[lane].empty()) return;
        queue_.add(make(to_hand_in_[lane].back(), lane), now_);
        to_hand_in_[lane].pop_back();
        ++in_queue_[lane];
    }
    void hear() {
        for (const settled& one : queue_.take_settled()) {
            --in_queue_[one.tag % lanes];
            if (!one.outcome) outside_[one.tag % lanes].insert(one.tag);
        }
    }
    void write() {
        auto batch = queue_.take(now_);
        if (batch.empty()) return;
        write_report report = all(batch.size(), unwritten);
        std::set<std::uint64_t> stopped;
        const bool trouble = random_.chance(0.1);
        for (std::size_t i = 0; i < batch.size() && !(trouble && random_.chance(0.5)); ++i) {
            if (stopped.contains(batch[i].lane)) continue;
            if (random_.chance(0.1)) {
                report.each[i] = random_.chance(0.5) ? again : refused;
                stopped.insert(batch[i].lane);
                continue;
            }
            EXPECT_EQ(batch[i].tag / lanes, written_[batch[i].lane]) << "seed " << GetParam();
            ++written_[batch[i].lane];
            report.each[i] = done;
        }
        if (trouble) report.trouble = error(errc::database_unreachable);
        queue_.written(std::move(batch), std::move(report), now_, random_.uniform());
    }

    prng random_{GetParam()};
    effect_queue queue_{settings};
    steady_time now_ = start;
    std::map<std::uint64_t, std::uint64_t> written_;                 // lane -> next to be written
    std::map<std::uint64_t, std::vector<std::uint64_t>> to_hand_in_; // lane -> tags, the next one last
    std::map<std::uint64_t, std::set<std::uint64_t>> outside_;       // given back, not yet handed in again
    std::map<std::uint64_t, std::uint64_t> in_queue_;                // lane -> effects
};

TEST_P(queue_history, writes_every_lane_in_order_and_settles_each_effect_once) {
    for (int step = 0; step < 50'000 && !finished(); ++step) {
        now_ += 1ms;
        hand_in(random_.below(lanes));
        hear();
        write();
        hear();
    }
    EXPECT_TRUE(finished()) << "seed " << GetParam();
}

INSTANTIATE_TEST_SUITE_P(seeds, queue_history, testing::Range<std::uint64_t>(0, 60));

} // namespace
} // namespace corvid::inbox_detail
