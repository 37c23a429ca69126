// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/random.hpp>
#include <corvid/store/detail/pool_state.hpp>

#include <gtest/gtest.h>

#include <set>

namespace corvid::store::detail {
namespace {

using namespace std::chrono_literals;
using action = pool_state::action;
using actions = std::vector<action>;

const exponential backoff{.first = 100ms, .jitter = 0, .cap = 1s};
constexpr steady_time start{};

pool_state pool_of(std::size_t size) { return {size, 30s, backoff}; }

TEST(pool_state, opens_as_many_sessions_as_are_waited_for_and_no_more_than_its_size) {
    pool_state pool = pool_of(2);
    EXPECT_EQ(pool.next(start), actions{});
    for (const auto who : {1U, 2U, 3U})
        pool.wait(who);
    EXPECT_EQ(pool.next(start), (actions{pool_state::open{0}, pool_state::open{1}}));
    EXPECT_EQ(pool.next(start), actions{});
    pool.opened(1, start);
    EXPECT_EQ(pool.next(start), (actions{pool_state::lend{1, 1, false}}));
    pool.returned(1, true, start);
    EXPECT_EQ(pool.next(start), (actions{pool_state::lend{2, 1, false}})) << "in the order of their waiting";
    EXPECT_EQ(pool.waiting(), 1U);
}

TEST(pool_state, one_that_rested_is_asked_before_it_is_lent) {
    pool_state pool = pool_of(1);
    pool.wait(1);
    EXPECT_EQ(pool.next(start), (actions{pool_state::open{0}}));
    pool.opened(0, start);
    EXPECT_EQ(pool.next(start + 29s), (actions{pool_state::lend{1, 0, false}}));
    pool.returned(0, true, start + 29s);
    pool.wait(2);
    EXPECT_EQ(pool.next(start + 59s), (actions{pool_state::lend{2, 0, true}}));
    pool.wait(3);
    pool.wait_on(2); // it proved dead: who was first stays first
    pool.returned(0, false, start + 59s);
    EXPECT_EQ(pool.next(start + 59s), (actions{pool_state::open{0}}));
    pool.opened(0, start + 59s);
    EXPECT_EQ(pool.next(start + 59s), (actions{pool_state::lend{2, 0, false}}));
}

TEST(pool_state, failing_to_connect_is_tried_by_one_at_a_time_after_growing_pauses) {
    pool_state pool = pool_of(3);
    for (const auto who : {1U, 2U, 3U})
        pool.wait(who);
    EXPECT_EQ(pool.next(start).size(), 3U);
    for (std::size_t slot = 0; slot < 3; ++slot)
        pool.open_failed(slot, start, 0.5);
    EXPECT_EQ(pool.next(start), (actions{pool_state::wake{start + 400ms}}));
    const auto retry = pool.next(start + 400ms);
    ASSERT_EQ(retry.size(), 1U);
    pool.opened(std::get<pool_state::open>(retry[0]).slot, start + 400ms);
    EXPECT_EQ(pool.next(start + 400ms).size(), 3U) << "one is lent, the other two open at once again";
}

TEST(pool_state, who_gave_up_gets_nothing) {
    pool_state pool = pool_of(1);
    pool.wait(1);
    pool.wait(2);
    EXPECT_EQ(pool.next(start).size(), 1U);
    EXPECT_TRUE(pool.give_up(1));
    EXPECT_FALSE(pool.give_up(1));
    pool.opened(0, start);
    EXPECT_EQ(pool.next(start), (actions{pool_state::lend{2, 0, false}}));
}

class pool_history : public testing::TestWithParam<std::uint64_t> {};

// Whatever comes in whatever order: no session is lent twice, none is lost, and nobody waits while one is
// idle.
TEST_P(pool_history, lends_each_session_to_one_and_forgets_nobody) {
    prng random(GetParam());
    pool_state pool = pool_of(3);
    std::set<pool_state::slot_id> lent, opening;
    std::set<pool_state::waiter_id> waiting;
    pool_state::waiter_id last = 0;
    steady_time now = start;
    for (int step = 0; step < 2000; ++step) {
        now += std::chrono::milliseconds(random.below(50));
        const auto draw = random.below(5);
        if (draw == 0) {
            pool.wait(++last);
            waiting.insert(last);
        } else if (draw == 1 && !waiting.empty()) {
            EXPECT_TRUE(pool.give_up(*waiting.begin()));
            waiting.erase(waiting.begin());
        } else if (draw == 2 && !lent.empty()) {
            pool.returned(*lent.begin(), random.chance(0.7), now);
            lent.erase(lent.begin());
        } else if (draw == 3 && !opening.empty()) {
            random.chance(0.6) ? pool.opened(*opening.begin(), now)
                               : pool.open_failed(*opening.begin(), now, 0.5);
            opening.erase(opening.begin());
        }
        for (const action& todo : pool.next(now)) {
            if (const auto* one = std::get_if<pool_state::lend>(&todo)) {
                EXPECT_TRUE(lent.insert(one->slot).second);
                EXPECT_EQ(waiting.erase(one->to), 1U);
            } else if (const auto* open = std::get_if<pool_state::open>(&todo)) {
                EXPECT_TRUE(opening.insert(open->slot).second);
            }
        }
        ASSERT_EQ(pool.lent(), lent.size());
        ASSERT_EQ(pool.opening(), opening.size());
        ASSERT_EQ(pool.waiting(), waiting.size());
        ASSERT_TRUE(waiting.empty() || pool.idle() == 0);
        ASSERT_LE(lent.size() + opening.size() + pool.idle(), 3U);
    }
}

INSTANTIATE_TEST_SUITE_P(seeds, pool_history, testing::Range<std::uint64_t>(0, 30));

} // namespace
} // namespace corvid::store::detail
