// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/random.hpp>
#include <corvid/base/random_test.hpp>
#include <corvid/lanes/intake_gate.hpp>

#include <gtest/gtest.h>

#include <array>
#include <numeric>
#include <vector>

namespace corvid {
namespace {

constexpr std::size_t partitions = 3;

// The reference counts anew from all records, each time.
class gate_history {
public:
    explicit gate_history(std::uint64_t seed)
        : random_(seed),
          settings_{.runnable_records = 1 + random_.below(20),
                    .runnable_bytes = 1 + random_.below(120),
                    .waiting_bytes = 1 + random_.below(100)},
          gate_(settings_),
          records_(1 + random_.below(40)) {
        gate_.share_between(partitions);
        for (auto& r : records_) {
            r.from.partition = static_cast<std::uint32_t>(random_.below(partitions));
            r.bytes = static_cast<std::uint32_t>(random_.below(15));
        }
    }
    void step() {
        lane_record& r = records_[random_.below(records_.size())];
        const auto p = r.from.partition;
        const bool was_waiting = r.counted_as() == budget::waiting;
        switch (random_.below(3)) {
        case 0:
            gate_.runnable(r);
            break;
        case 1:
            gate_.waiting(r);
            if (!was_waiting && total().waiting_bytes >= settings_.waiting_bytes) stopped_[p] = true;
            break;
        default:
            gate_.leave(r);
        }
        for (std::uint32_t q = 0; q < partitions; ++q)
            if (was_waiting && count(q).waiting_records == 0) stopped_[q] = false;
        if (was_waiting && r.counted_as() != budget::waiting &&
            total().waiting_bytes <= settings_.waiting_bytes - settings_.waiting_bytes / 8)
            stopped_ = {};
    }
    void agree() const {
        ASSERT_EQ(gate_.total(), total());
        for (std::uint32_t p = 0; p < partitions; ++p) {
            ASSERT_EQ(gate_.of(p), count(p));
            ASSERT_EQ(gate_.why_stopped(p), expected(p)) << to_string(gate_.why_stopped(p));
        }
    }

private:
    template <class F>
    intake_gate::figures count_if(F&& wanted) const {
        intake_gate::figures f;
        for (const auto& r : records_) {
            if (!wanted(r)) continue;
            const bool runs = r.counted_as() == budget::runnable, waits = r.counted_as() == budget::waiting;
            f.runnable_records += runs;
            f.runnable_bytes += runs ? r.bytes : 0;
            f.waiting_records += waits;
            f.waiting_bytes += waits ? r.bytes : 0;
        }
        return f;
    }
    intake_gate::figures total() const {
        return count_if([](const auto&) { return true; });
    }
    intake_gate::figures count(std::uint32_t p) const {
        return count_if([&](const auto& r) { return r.from.partition == p; });
    }
    intake_stop expected(std::uint32_t p) const {
        const auto all = total(), mine = count(p);
        if (stopped_[p]) return intake_stop::waiting_bytes;
        if (all.runnable_bytes >= settings_.runnable_bytes) return intake_stop::runnable_bytes;
        if (mine.runnable_records * partitions < settings_.runnable_records &&
            mine.runnable_bytes * partitions < settings_.runnable_bytes)
            return intake_stop::open;
        if (all.runnable_records >= settings_.runnable_records) return intake_stop::runnable_records;
        if (all.waiting_bytes >= settings_.waiting_bytes) return intake_stop::runnable_share;
        return intake_stop::open;
    }

    prng random_;
    intake_settings settings_;
    intake_gate gate_;
    std::vector<lane_record> records_;
    std::array<bool, partitions> stopped_{};
};

TEST(intake_gate, its_figures_and_answers_agree_with_a_count_of_all_records_in_any_history) {
    for (std::uint64_t seed = 1; seed <= histories(20'000); ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        gate_history history(seed);
        for (int i = 0; i < 40; ++i) {
            history.step();
            ASSERT_NO_FATAL_FAILURE(history.agree());
        }
    }
}

// The engine's loop in small: takes where it may; one partition's records all turn out to wait.
TEST(intake_gate, what_one_partition_lets_wait_stops_it_alone_and_stays_bounded) {
    constexpr std::size_t sick = 0, healthy = 1;
    const intake_settings settings{
        .runnable_records = 1'000, .runnable_bytes = 10'000, .waiting_bytes = 5'000};
    intake_gate gate(settings);
    gate.share_between(2);
    std::vector<lane_record> records(100'000);
    std::size_t healthy_done = 0;
    for (auto& r : records) {
        r.bytes = 10;
        r.from.partition = gate.may_take(sick) ? sick : healthy;
        ASSERT_TRUE(gate.may_take(r.from.partition)) << to_string(gate.why_stopped(r.from.partition));
        gate.runnable(r);
        if (r.from.partition == sick) {
            gate.waiting(r);
        } else {
            gate.leave(r);
            ++healthy_done;
        }
        ASSERT_LE(gate.total().waiting_bytes, settings.waiting_bytes + 2 * settings.runnable_bytes);
    }
    EXPECT_EQ(gate.why_stopped(sick), intake_stop::waiting_bytes);
    EXPECT_GT(healthy_done, 99'000u);
}

TEST(intake_gate, many_partitions_that_fail_after_intake_overshoot_by_twice_the_runnable_budget_at_most) {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        prng random(seed);
        constexpr std::size_t many = 50;
        const intake_settings settings{
            .runnable_records = 200, .runnable_bytes = 2'000, .waiting_bytes = 1'000};
        intake_gate gate(settings);
        gate.share_between(many);
        std::vector<std::unique_ptr<lane_record>> all;
        for (std::uint32_t p = 0; p < many; ++p) { // each takes what it may, and then all of that waits
            const std::size_t first = all.size();
            while (gate.may_take(p)) {
                auto& r = *all.emplace_back(std::make_unique<lane_record>());
                r.from.partition = p;
                r.bytes = static_cast<std::uint32_t>(1 + random.below(20));
                gate.runnable(r);
            }
            if (random.below(3))
                for (std::size_t i = first; i < all.size(); ++i)
                    gate.waiting(*all[i]);
        }
        for (auto& r : all)
            gate.waiting(*r);
        EXPECT_LE(gate.total().waiting_bytes,
                  settings.waiting_bytes + 2 * settings.runnable_bytes + many * 20);
    }
}

TEST(intake_gate, holds_from_without_each_stand_by_themselves_and_are_named_first) {
    intake_gate gate({});
    gate.hold(4, intake_stop::window_full);
    gate.hold(4, intake_stop::revoking);
    EXPECT_EQ(gate.why_stopped(4), intake_stop::revoking);
    EXPECT_EQ(gate.why_stopped(3), intake_stop::open);
    EXPECT_EQ(gate.why_stopped(9), intake_stop::open);
    gate.let_go(4, intake_stop::revoking);
    EXPECT_EQ(gate.why_stopped(4), intake_stop::window_full);
    gate.let_go(4, intake_stop::window_full);
    EXPECT_TRUE(gate.may_take(4));
    gate.close();
    EXPECT_EQ(gate.why_stopped(4), intake_stop::closing);
}

TEST(intake_gate, a_budget_of_nothing_is_refused_by_its_name) {
    EXPECT_TRUE(intake_settings().validate());
    const auto refused = intake_settings{.waiting_bytes = 0}.validate();
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().describe().find("waiting_bytes"), std::string::npos);
}

} // namespace
} // namespace corvid
