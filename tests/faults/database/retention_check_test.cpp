// SPDX-License-Identifier: Apache-2.0
#include "retention_check.hpp"

#include <gmock/gmock.h>

#include <functional>

namespace corvid::faults {
namespace {

using testing::ElementsAre;

constexpr retention_limits limits{
    .window_s = 1, .retention_s = 2, .kept_s = 5, .stall_s = 1, .quick_s = 0.02, .dead_rows_a_turn = 10};

// 100 events a second for 12 s, each settled after 5 ms; a reader from 4 to 8; a change of parts at 2.
retention_history fine() {
    retention_history h{.reader_from = 4, .reader_to = 8, .turned = {2}, .dead_rows = 20, .oldest_mark_s = 4};
    for (std::uint32_t n = 0; n < 1'200; ++n) {
        h.events.push_back({.id = n, .sent = n / 100.0, .settled = n / 100.0 + 0.005});
        h.effects.push_back(n);
    }
    return h;
}

retention_findings after(const std::function<void(retention_history&)>& change) {
    retention_history h = fine();
    change(h);
    return judge(h, limits);
}

TEST(retention_check, finds_an_effect_that_is_missing_or_one_too_many) {
    EXPECT_THAT(judge(fine(), limits).wrong, ElementsAre());
    EXPECT_THAT(after([](auto& h) { h.effects.pop_back(); }).wrong, ElementsAre("lost"));
    const auto again = [](retention_history& h) {
        h.events.push_back({.id = 190, .sent = 3.5, .settled = 3.6});
    };
    const auto once = after(again);
    EXPECT_THAT(once.wrong, ElementsAre());
    EXPECT_EQ(once.repeats, 1u);
    EXPECT_EQ(once.across, 1u);
    const auto twice = after([&](auto& h) {
        again(h);
        h.effects.push_back(190);
    });
    EXPECT_THAT(twice.wrong, ElementsAre("twice"));
    const auto late = after([](auto& h) {
        h.events.push_back({.id = 190, .sent = 3.5, .settled = 4});
        h.effects.push_back(190);
    });
    EXPECT_THAT(late.wrong, ElementsAre()) << "its mark has outlived its retention";
    EXPECT_EQ(late.late, 1u);
}

TEST(retention_check, finds_who_waited_too_long_and_what_became_slower) {
    EXPECT_THAT(after([](auto& h) { h.events[500].settled += 1; }).wrong, ElementsAre("stall"));
    EXPECT_THAT(after([](auto& h) { h.events[500].settled = -1; }).wrong, ElementsAre("stall"));
    EXPECT_THAT(after([](auto& h) { h.writer_wait_s = 1.1; }).wrong, ElementsAre("stall"));
    EXPECT_THAT(after([](auto& h) { h.reader_wait_s = 1.1; }).wrong, ElementsAre("stall"));
    const auto machine = after([](auto& h) {
        h.events[500].settled += 1;
        h.others = {{.sent = 5, .settled = 5.1}};
    });
    EXPECT_THAT(machine.wrong, ElementsAre()) << "others waited, too";
    const auto slower = [](double from, double to, double by) {
        return after([&](auto& h) {
            for (auto& each : h.events)
                if (each.sent >= from && each.sent < to) each.settled += by;
        });
    };
    EXPECT_THAT(slower(4, 8, 0.05).wrong, ElementsAre("drift"));
    EXPECT_THAT(slower(8, 12, 0.05).wrong, ElementsAre("drift"));
    const auto all_slower = after([](auto& h) {
        h.others = h.events;
        for (auto* some : {&h.events, &h.others})
            for (auto& each : *some)
                if (each.sent >= 4) each.settled += 0.05;
    });
    EXPECT_THAT(all_slower.wrong, ElementsAre()) << "others became as slow";
    EXPECT_THAT(slower(0, 12, 0.05).wrong, ElementsAre());
    EXPECT_THAT(slower(5, 6, 0.05).wrong, ElementsAre()) << "one window is no drift";
    EXPECT_THAT(slower(4, 8, 0.01).wrong, ElementsAre()) << "still quick";
}

TEST(retention_check, finds_what_stays) {
    EXPECT_THAT(after([](auto& h) { h.dead_rows = 21; }).wrong, ElementsAre("dead"));
    EXPECT_THAT(after([](auto& h) { h.oldest_mark_s = 6; }).wrong, ElementsAre("kept"));
}

} // namespace
} // namespace corvid::faults
