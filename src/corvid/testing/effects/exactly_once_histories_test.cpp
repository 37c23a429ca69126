// SPDX-License-Identifier: Apache-2.0
//
// Whatever crashes, is taken away, comes twice or is refused: the table of effects is the set of the good
// events, each key's in the order of its records, and no offset is committed before its effects.
#include <corvid/base/random.hpp>
#include <corvid/testing/effects/effects_world_test.hpp>

namespace corvid::testing {
namespace {

/// What is committed is in the table: asked for first, since it only grows.
void expect_effects_of_what_is_committed(effects_world& e) {
    const auto committed = e.w.committed("service.billing", "shop.order.placed");
    std::set<std::pair<std::string, std::int64_t>> there;
    for (const effect_row& each : e.effects())
        there.emplace(each.customer, each.n);
    for (const auto& each : e.w.topic<order_placed>()) {
        const auto next = committed.find(each.where.partition.value);
        if (next == committed.end() || each.offset.value >= next->second) continue;
        if (each->n == refused || each->n == rejected_one) continue;
        EXPECT_TRUE(there.contains({each->customer, each->n}))
            << each->customer << ' ' << each->n << " is committed to Kafka and not in the table";
    }
}

struct event_history {
    std::uint64_t seed;
    shape how;
    order ordered;
};

// Orders, each once or twice, and what goes wrong meanwhile. A handler that dies within a transaction holds
// its locks here, where nobody ends its connection: those that ask do not crash.
void play(effects_world& e, const event_history& of) {
    prng random(of.seed);
    for (int n = 0; n < 30; ++n) {
        for (int c = 0; c < 6; ++c) {
            const order_placed o{"c" + std::to_string(c), n};
            const std::string id = o.customer + '-' + std::to_string(n);
            e.w.publish(o, {.event_id = id});
            if (random.below(5) == 0) e.w.publish(o, {.event_id = id});
            const order_placed other{"elsewhere" + std::to_string(c) + '-' + std::to_string(n), 1};
            const std::string other_id = "other-" + id;
            for (auto copies = random.below(3); copies > 0; --copies)
                e.w.publish(other, {.partition = partition_id(static_cast<std::int32_t>(random.below(4))),
                                    .event_id = other_id});
        }
        if (of.how != shape::asks && random.below(6) == 0) e.w.crash_at(any_handler.within(30));
        if (of.how != shape::asks && random.below(10) == 0) e.w.crash_at(any_commit);
        if (random.below(6) == 0) e.w.rebalance();
        if (random.below(8) == 0) e.w.fail_commits(1);
        e.w.run_for(std::chrono::milliseconds(random.below(300)));
        expect_effects_of_what_is_committed(e);
    }
}

std::set<std::pair<std::string, int>> good_orders(const world& of) {
    std::set<std::pair<std::string, int>> all;
    for (const auto& each : of.topic<order_placed>())
        if (each->n != refused && each->n != rejected_one) all.emplace(each->customer, each->n);
    return all;
}
TEST(exactly_once_histories,
     leave_the_effects_of_all_good_events_once_in_order_and_the_bad_ones_as_dead_letters) {
    std::size_t crashes = 0;
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        constexpr order kinds[] = {by_key, by_partition, by_key, unordered, by_key};
        const event_history of{seed, static_cast<shape>(seed % 4), kinds[seed % 5]};
        lane_key its_key;
        if (seed % 5 == 2) its_key = [](const record_origin& r) { return std::string(r.source->key.text()); };
        SCOPED_TRACE("seed " + std::to_string(seed));
        effects_world e(seed);
        e.w.start(
            [&](corvid::service& s) {
                subscribe(s, of.how,
                          {.order = of.ordered,
                           .key = its_key,
                           .retry = {.first = 20ms, .limit = 8},
                           .exactly_once = e.into()});
            },
            {.instances = 2, .settings = settings_of_a_mortal()});
        play(e, of);
        e.w.run_until_consumed();
        e.expect_effects(good_orders(e.w), 0, of.ordered != unordered);
        expect_bad_ones_dead(e.w, 6);
        ASSERT_FALSE(::testing::Test::HasFailure()) << e.w.describe();
        crashes += e.w.crashes();
    }
    EXPECT_GT(crashes, 20u);
}

} // namespace
} // namespace corvid::testing
