// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/random.hpp>
#include <corvid/base/random_test.hpp>
#include <corvid/outbox/relay/row_lanes.hpp>
#include <corvid/outbox/relay/shard_share.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>

namespace corvid::outbox_detail {
namespace {

using namespace std::chrono_literals;

std::unique_ptr<relay_row> row(std::int64_t number, std::uint64_t lane, std::int32_t shard = 0) {
    auto made = std::make_unique<relay_row>();
    made->number = number;
    made->lane = lane;
    made->shard = shard;
    return made;
}

// Random sends, answers and failures; what has arrived is in order for each lane unless rows overtake.
void run_lanes(std::uint64_t seed, std::size_t per_aggregate) {
    prng random(seed);
    row_lanes lanes({.rows = 5, .per_aggregate = per_aggregate, .pause = {.first = 10ms}});
    steady_time now{};
    std::map<std::uint64_t, std::vector<std::int64_t>> arrived;
    std::vector<std::uint64_t> flying;
    std::size_t failures = 0;
    const std::int64_t total = 40;
    for (std::int64_t n = 0; n < total; ++n)
        lanes.add(row(n, 1 + random.below(6)));
    while (lanes.size() > 0) {
        ASSERT_EQ(lanes.flying(), flying.size());
        if (random.chance(0.5)) {
            const auto ready = lanes.next(now);
            if (ready) flying.push_back(ready->token);
            ASSERT_LE(lanes.flying(), 5U);
        } else if (!flying.empty()) {
            const auto at = flying.begin() + static_cast<std::ptrdiff_t>(random.below(flying.size()));
            const std::uint64_t token = *at;
            flying.erase(at);
            if (random.chance(0.2) && ++failures < 200) {
                lanes.failed(token, now, random.uniform());
            } else {
                const auto done = lanes.finished(token);
                arrived[done->lane].push_back(done->number);
            }
        } else if (const auto due = lanes.due()) {
            now = *due;
        }
    }
    std::size_t count = 0;
    for (auto& [lane, numbers] : arrived) {
        if (per_aggregate == 1) {
            ASSERT_TRUE(std::ranges::is_sorted(numbers)) << "seed " << seed;
        }
        std::ranges::sort(numbers);
        ASSERT_EQ(std::ranges::adjacent_find(numbers), numbers.end()) << "seed " << seed;
        count += numbers.size();
    }
    ASSERT_EQ(count, static_cast<std::size_t>(total)) << "seed " << seed;
}

TEST(row_lanes, send_each_row_and_keep_the_order_of_each_aggregate) {
    for (std::uint64_t seed = 1; seed <= 3'000; ++seed)
        ASSERT_NO_FATAL_FAILURE(run_lanes(seed, 1));
}

TEST(row_lanes, send_each_row_with_several_of_an_aggregate_on_their_way) {
    for (std::uint64_t seed = 1; seed <= 3'000; ++seed)
        ASSERT_NO_FATAL_FAILURE(run_lanes(seed, 3));
}

TEST(row_lanes, rows_of_no_aggregate_wait_for_none) {
    row_lanes lanes({});
    for (int n = 0; n < 3; ++n)
        lanes.add(row(n, 0));
    for (int n = 0; n < 3; ++n)
        EXPECT_TRUE(lanes.next({}));
}

TEST(row_lanes, a_failed_row_rests_while_others_go) {
    row_lanes lanes({.pause = {.first = 1s, .jitter = 0}});
    lanes.add(row(0, 1));
    lanes.add(row(1, 1));
    lanes.add(row(2, 2));
    const auto first = lanes.next({});
    lanes.failed(first->token, {}, 0.5);
    EXPECT_EQ(lanes.next({})->row->number, 2);
    EXPECT_FALSE(lanes.next({}));
    ASSERT_TRUE(lanes.due());
    EXPECT_EQ(*lanes.due(), steady_time{} + 1s);
    EXPECT_EQ(lanes.next(*lanes.due())->row->number, 0);
}

TEST(row_lanes, a_forgotten_shard_leaves_the_others) {
    row_lanes lanes({});
    lanes.add(row(0, 1, 0));
    lanes.add(row(1, 2, 1));
    const auto a = lanes.next({}), b = lanes.next({});
    lanes.forget(0);
    EXPECT_EQ(lanes.size(), 1U);
    EXPECT_EQ(lanes.flying(), 1U);
    EXPECT_FALSE(lanes.finished(a->token));
    EXPECT_TRUE(lanes.finished(b->token));
    EXPECT_EQ(lanes.bytes(), 0U);
}

TEST(shard_share, becomes_even_whoever_comes_and_goes) {
    for (std::uint64_t seed = 1; seed <= histories(20'000); ++seed) {
        prng random(seed);
        std::vector<shard_claim> shards(1 + random.below(9));
        for (std::size_t s = 0; s < shards.size(); ++s)
            shards[s].shard = static_cast<std::int32_t>(s);
        std::vector<std::string> relays;
        for (int change = 0; change < 6; ++change) {
            const std::string name(1, static_cast<char>('a' + random.below(5)));
            if (const auto at = std::ranges::find(relays, name); at == relays.end())
                relays.insert(std::ranges::upper_bound(relays, name), name);
            else if (relays.size() > 1) {
                relays.erase(at);
                for (shard_claim& each : shards)
                    if (each.owner == name) each.expired = true;
            }
            for (int round = 0; round < 3; ++round)
                for (const std::string& me : relays) {
                    const share_plan plan = plan_share(shards, relays, me);
                    for (const std::int32_t s : plan.give)
                        shards[static_cast<std::size_t>(s)] = {.shard = s};
                    for (const std::int32_t s : plan.take) {
                        const shard_claim& old = shards[static_cast<std::size_t>(s)];
                        ASSERT_TRUE(old.owner.empty() || old.expired) << "seed " << seed;
                        shards[static_cast<std::size_t>(s)] = {.shard = s, .owner = me};
                    }
                }
            std::map<std::string, std::size_t> held;
            for (const std::string& each : relays)
                held[each] = 0;
            for (const shard_claim& each : shards)
                ++held[each.owner];
            ASSERT_EQ(held.size(), relays.size()) << "seed " << seed;
            for (const auto& [who, count] : held) {
                ASSERT_GE(count, shards.size() / relays.size()) << "seed " << seed;
                ASSERT_LE(count, (shards.size() + relays.size() - 1) / relays.size()) << "seed " << seed;
            }
        }
    }
}

} // namespace
} // namespace corvid::outbox_detail
