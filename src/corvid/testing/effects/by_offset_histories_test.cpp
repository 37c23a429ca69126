// SPDX-License-Identifier: Apache-2.0
//
// Whatever crashes, is taken away or is refused: the effects of a partition are those of the records below
// its row, once and in the order of their offsets.
#include <corvid/base/random.hpp>
#include <corvid/testing/effects/offset_checks_test.hpp>

namespace corvid::testing {
namespace {

using ::testing::IsEmpty;

struct history {
    std::uint64_t seed;
    shape how;
    order ordered;
};

history history_of(std::uint64_t seed) {
    constexpr order kinds[] = {by_key, by_partition, by_key, unordered, by_key};
    return {seed, static_cast<shape>(seed % 4), kinds[seed % 5]};
}

// Orders, and what goes wrong meanwhile. The writer of an instance that died works on: a zombie. A handler
// that dies within a transaction holds its locks here, where nobody ends its connection: those that ask do
// not crash.
void play(effects_world& e, const history& of) {
    prng random(of.seed);
    for (int n = 0; n < 30; ++n) {
        for (int c = 0; c < 6; ++c)
            e.w.publish(order_placed{"c" + std::to_string(c), n});
        if (of.how != shape::asks && random.below(5) == 0) e.w.crash_at(any_handler.within(30));
        if (of.how != shape::asks && random.below(8) == 0) e.w.crash_at(any_commit);
        if (random.below(6) == 0) e.w.rebalance();
        if (random.below(6) == 0) e.w.lose_assignment(random.chance(0.5) ? "service-1" : "service-2");
        if (random.below(8) == 0) e.w.fail_commits(1);
        e.w.run_for(std::chrono::milliseconds(random.below(300)));
        ASSERT_THAT(offset_checks(e).violations(), IsEmpty()) << e.w.describe();
    }
}

TEST(by_offset_histories, leave_the_effects_of_all_good_records_once_in_order_of_offset) {
    std::size_t crashes = 0;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        const history of = history_of(seed);
        SCOPED_TRACE("seed " + std::to_string(seed));
        effects_world e(seed);
        e.w.start(
            [&](corvid::service& s) {
                subscribe(s, of.how,
                          {.order = of.ordered,
                           .concurrency = seed % 3 == 0 ? std::size_t{2} : std::size_t{256},
                           .retry = {.first = 20ms, .limit = 8},
                           .exactly_once = e.into(by_offset)});
            },
            {.instances = 2, .settings = settings_of_a_mortal()});
        play(e, of);
        ASSERT_FALSE(::testing::Test::HasFatalFailure());
        e.w.run_until_consumed();
        ASSERT_THAT(offset_checks(e).violations_in_the_end(), IsEmpty()) << e.w.describe();
        e.expect_effects(orders(6, 30, {refused, rejected_one}), 0, of.ordered != unordered);
        expect_bad_ones_dead(e.w, 6);
        ASSERT_FALSE(::testing::Test::HasFailure()) << e.w.describe();
        crashes += e.w.crashes();
    }
    EXPECT_GT(crashes, 30u);
}

// What the mark would be if it were the highest offset that has its effect: what is in back-off below it, or
// at work, is lost when the process dies.
task<outcome> by_highest_offset(effects_world& e, const order_placed& o, context& ctx) {
    if (o.n % 10 == 7 && ctx.attempt() == 1) co_return retry("once more");
    unit_of_work both;
    insert(both, o);
    both.execute(
        "insert into processed_offsets(consumer_group, topic, partition, next_offset) select $1, $2, "
        "$3, $4 where not exists (select 1 from processed_offsets where consumer_group = $1 and "
        "topic = $2 and partition = $3 and next_offset >= $4) on conflict (consumer_group, topic, "
        "partition) do update set next_offset = excluded.next_offset",
        std::string("service.billing"), ctx.topic(), ctx.partition().value, ctx.offset().value + 1);
    auto asking = e.db.query<std::int64_t>("select next_offset from processed_offsets where partition = $1",
                                           ctx.partition().value);
    auto row = co_await asking;
    if (!row) co_return retry(row.error());
    if (!row->empty() && ctx.offset().value < row->front()) co_return done; // "it has had its effect"
    auto writing = e.db.write(std::move(both));
    auto written = co_await writing;
    if (!written) co_return retry(written.error());
    co_return done;
}

TEST(by_offset_histories, a_mark_by_highest_offset_is_found_out) {
    std::size_t found_out = 0;
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        effects_world e(seed);
        e.w.start([&](corvid::service& s) {
            s.on<order_placed>("without", [](const order_placed&, context&, unit_of_work&) {},
                               {.topics = {"elsewhere"}, .exactly_once = e.into(by_offset)}); // the table
            s.on<order_placed>(
                "billing", [&e](const order_placed& o, context& ctx) { return by_highest_offset(e, o, ctx); },
                {.retry = {.first = 200ms}});
        });
        publish_orders(e.w, 6, 20);
        e.w.crash_at(any_handler.within(60));
        e.w.run_until_consumed();
        found_out += offset_checks(e).violations(false).empty() ? 0 : 1;
    }
    EXPECT_GE(found_out, 8u);
}

} // namespace
} // namespace corvid::testing
