// SPDX-License-Identifier: Apache-2.0
//
// Whatever crashes, is taken away, comes twice or is refused: batches leave the effects of the good events
// once, each key's in order, and by offset those of the records below the row.
#include <corvid/base/random.hpp>
#include <corvid/testing/effects/batches_world_test.hpp>
#include <corvid/testing/effects/offset_checks_test.hpp>

namespace corvid::testing {
namespace {

using ::testing::IsEmpty;

// A transaction that is open when its instance dies holds its locks here, where nobody ends its connection:
// they crash between batches, where offsets are committed.
void play(effects_world& e, std::uint64_t seed, bool repeats) {
    prng random(seed);
    for (int n = 0; n < 30; ++n) {
        for (int c = 0; c < 6; ++c) {
            const order_placed o{"c" + std::to_string(c), n};
            const std::string id = o.customer + '-' + std::to_string(n);
            e.w.publish(o, {.event_id = id});
            if (repeats && random.below(5) == 0) e.w.publish(o, {.event_id = id});
        }
        if (random.below(6) == 0) e.w.rebalance();
        if (random.below(6) == 0) e.w.lose_assignment(random.chance(0.5) ? "service-1" : "service-2");
        if (random.below(8) == 0) e.w.fail_commits(1);
        e.w.run_for(std::chrono::milliseconds(random.below(300)));
        if (repeats) continue;
        ASSERT_THAT(offset_checks(e).violations(), IsEmpty()) << e.w.describe();
    }
}

batch_options options_of(std::uint64_t seed, const exactly_once_settings& into, order ordered) {
    return {.max = 5 + seed % 3 * 20,
            .within = std::chrono::milliseconds(5 + seed % 4 * 30),
            .failed = seed % 2 == 0 ? when_batch_fails::again : when_batch_fails::halve,
            .concurrency = 1 + seed % 3,
            .order = ordered,
            .retry = {.first = 20ms, .limit = 12},
            .exactly_once = into};
}

TEST(batch_histories, leave_the_effects_of_all_good_events_once_in_order) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        constexpr order kinds[] = {by_key, by_partition, by_key, unordered};
        const order ordered = kinds[seed / 4 % 4];
        SCOPED_TRACE("seed " + std::to_string(seed));
        effects_world e(seed);
        e.w.start(
            [&](corvid::service& s) {
                subscribe_batches(s, static_cast<shape>(seed % 4), options_of(seed, e.into(), ordered));
            },
            {.instances = 2, .settings = settings_of_a_mortal()});
        play(e, seed, true);
        e.w.run_until_consumed();
        e.expect_effects(orders(6, 30, {refused, rejected_one}), 0, ordered != unordered);
        expect_bad_ones_dead(e.w, 6);
        ASSERT_FALSE(::testing::Test::HasFailure()) << e.w.describe();
    }
}

TEST(batch_histories, by_offset_leave_the_effects_of_the_records_below_the_row) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        effects_world e(seed);
        e.w.start(
            [&](corvid::service& s) {
                subscribe_batches(s, static_cast<shape>(seed % 4),
                                  options_of(seed, e.into(by_offset), by_partition));
            },
            {.instances = 2, .settings = settings_of_a_mortal()});
        play(e, seed, false);
        ASSERT_FALSE(::testing::Test::HasFatalFailure());
        e.w.run_until_consumed();
        ASSERT_THAT(offset_checks(e).violations_in_the_end(), IsEmpty()) << e.w.describe();
        e.expect_effects(orders(6, 30, {refused, rejected_one}));
        expect_bad_ones_dead(e.w, 6);
        ASSERT_FALSE(::testing::Test::HasFailure()) << e.w.describe();
    }
}

} // namespace
} // namespace corvid::testing
