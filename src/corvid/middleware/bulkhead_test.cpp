// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/random.hpp>
#include <corvid/base/simulation.hpp>
#include <corvid/base/sleep.hpp>
#include <corvid/base/task_scope.hpp>
#include <corvid/middleware/bulkhead.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace corvid {
namespace {

using namespace std::chrono_literals;

TEST(slots, never_more_inside_or_waiting_than_there_is_room_and_no_place_is_lost) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        prng random(seed);
        const std::size_t room = 1 + random.below(5), queue = random.below(5);
        slots s(room, queue);
        for (int i = 0; i < 1'000; ++i) {
            switch (random.below(4)) {
            case 0: {
                const bool full = s.inside() == room, queued = s.waiting() == queue;
                const auto answer = s.ask();
                ASSERT_EQ(answer, !full    ? slots::answer::enter
                                  : queued ? slots::answer::refuse
                                           : slots::answer::wait);
                break;
            }
            case 1: {
                const bool open = s.inside() < room && s.waiting() == 0;
                ASSERT_EQ(s.try_enter(), open);
                break;
            }
            case 2:
                if (s.waiting() > 0) s.give_up();
                break;
            default:
                if (s.inside() > 0) {
                    const bool anyone = s.waiting() > 0;
                    ASSERT_EQ(s.leave(), anyone);
                }
            }
            ASSERT_LE(s.inside(), room);
            ASSERT_LE(s.waiting(), queue);
            ASSERT_TRUE(s.waiting() == 0 || s.inside() == room);
        }
    }
}

struct visits {
    std::size_t inside = 0, most = 0;
    std::vector<int> came_in, went_away;
};

task<void> visit(bulkhead& b, int who, duration stays, visits& seen) {
    const bool has_place = co_await b.enter();
    if (!has_place) {
        seen.went_away.push_back(who);
        co_return;
    }
    seen.came_in.push_back(who);
    seen.most = std::max(seen.most, ++seen.inside);
    co_await sleep(stays);
    --seen.inside;
    b.leave();
}

TEST(bulkhead, lets_in_so_many_at_once_in_the_order_of_coming) {
    simulation sim(7);
    bulkhead b({.at_once = 3, .waiting = 100, .wait = 1h});
    task_scope scope;
    visits seen;
    for (int i = 0; i < 20; ++i)
        scope.spawn(sim, visit(b, i, 10ms * (1 + i % 3), seen));
    scope.wait(sim);
    EXPECT_EQ(seen.most, 3U);
    ASSERT_EQ(seen.came_in.size(), 20U);
    EXPECT_TRUE(std::ranges::is_sorted(seen.came_in));
}

TEST(bulkhead, who_waits_too_long_or_comes_to_a_full_queue_goes_away_and_costs_no_place) {
    simulation sim(7);
    bulkhead b({.at_once = 1, .waiting = 2, .wait = 100ms});
    task_scope scope;
    visits seen;
    for (int i = 0; i < 4; ++i)
        scope.spawn(sim, visit(b, i, i == 0 ? 60ms : 1s, seen));
    scope.wait(sim);
    EXPECT_EQ(seen.came_in, (std::vector{0, 1}));
    EXPECT_EQ(seen.went_away, (std::vector{3, 2}));
    EXPECT_TRUE(b.try_enter());
    EXPECT_FALSE(b.try_enter());
}

// Visitors on several loops, of which places come and patience ends at the same times.
TEST(bulkhead, no_place_is_lost_or_given_twice_in_any_order_of_events) {
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        simulation sim(seed);
        prng random(seed);
        bulkhead b({.at_once = 2, .waiting = 10, .wait = 20ms});
        task_scope scope;
        visits seen;
        std::vector<std::unique_ptr<loop_thread>> loops;
        for (int i = 0; i < 3; ++i)
            loops.push_back(sim.run_thread("loop", [](scheduler&) {}));
        for (int i = 0; i < 200; ++i) {
            scope.spawn(loops[random.below(3)]->loop(), visit(b, i, 10ms * random.below(3), seen));
            if (random.chance(0.3)) sim.run_for(10ms);
        }
        scope.wait(sim);
        ASSERT_LE(seen.most, 2U);
        ASSERT_EQ(seen.came_in.size() + seen.went_away.size(), 200U);
        ASSERT_TRUE(b.try_enter() && b.try_enter());
        ASSERT_FALSE(b.try_enter());
    }
}

} // namespace
} // namespace corvid
