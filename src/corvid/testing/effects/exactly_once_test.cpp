// SPDX-License-Identifier: Apache-2.0
//
// exactly_once in virtual time, with the in-process broker and SQLite.
#include <corvid/testing/effects/effects_world_test.hpp>

namespace corvid::testing {
namespace {

TEST(exactly_once, writes_each_effect_and_commits_no_offset_before_it) {
    effects_world e(1);
    e.w.start([&](corvid::service& s) {
        s.on<order_placed>("billing",
                           [](const order_placed& o, context&, unit_of_work& db) { insert(db, o); },
                           {.exactly_once = in(e.db, {.writer = {.linger = 10s}})});
    });
    publish_orders(e.w, 5, 10);
    e.w.run_for(9s);
    EXPECT_EQ(e.w.handled().size(), 50u) << "nothing waits in a handler";
    for (const auto& [partition, next] : e.w.committed("service.billing", "shop.order.placed"))
        EXPECT_EQ(next, 0) << partition;
    EXPECT_EQ(e.effects().size(), 0u);
    e.w.run_until_consumed();
    e.expect_effects(orders(5, 10));
    EXPECT_EQ(e.count("processed_events"), 50);
}

TEST(exactly_once, an_event_that_comes_again_has_no_second_effect_wherever_it_comes) {
    effects_world e(2);
    e.w.start([&](corvid::service& s) { subscribe(s, shape::plain, {.exactly_once = e.into()}); });
    for (const int partition : {0, 0, 1, 2})
        e.w.publish(order_placed{"a", 1}, {.partition = partition_id(partition), .event_id = "the one"});
    e.w.run_until_consumed();
    e.expect_effects({{"a", 1}});
    e.w.publish(order_placed{"a", 2}, {.event_id = "the one"}).run_until_consumed();
    e.expect_effects({{"a", 1}});
}

TEST(exactly_once, a_handler_that_does_not_say_done_has_no_effect_and_skip_leaves_its_mark) {
    effects_world e(3);
    e.w.start([&](corvid::service& s) {
        s.on<order_placed>("billing",
                           [](const order_placed& o, context& ctx, unit_of_work& db) -> outcome {
                               insert(db, o);
                               if (o.n == 1 && ctx.attempt() == 1) throw std::runtime_error("once more");
                               if (o.n == 2) return skip;
                               if (o.n == 3) return dead_letter("never");
                               return done;
                           },
                           {.retry = {.first = 10ms}, .exactly_once = e.into()});
    });
    publish_orders(e.w, 1, 5);
    e.w.run_until_consumed();
    e.expect_effects({{"c0", 0}, {"c0", 1}, {"c0", 4}});
    EXPECT_EQ(e.w.dead_letters<order_placed>("service.billing").size(), 1u);
    EXPECT_EQ(e.count("processed_events"), 5) << "of the skipped one and the dead letter, too";
}

TEST(exactly_once, each_handler_of_a_fan_out_has_its_effect_once) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        effects_world e(seed);
        e.w.start([&](corvid::service& s) {
            s.fan_out<order_placed>(
                "billing",
                to_all([](const order_placed& o, context&, unit_of_work& db) { insert(db, o, 1); },
                       [](const order_placed& o, context& ctx, unit_of_work& db) -> task<outcome> {
                           insert(db, o, 2);
                           co_await ctx.sleep(1ms);
                           co_return verdict_on(o, ctx);
                       },
                       [](const order_placed&) {}),
                {.retry = {.first = 10ms}, .exactly_once = e.into()});
        });
        e.w.crash_at(any_handler.within(100));
        publish_orders(e.w, 3, 20);
        e.w.run_until_consumed();
        e.expect_effects(orders(3, 20, {refused}), 1);
        e.expect_effects(orders(3, 20, {refused, rejected_one}), 2);
        ASSERT_FALSE(::testing::Test::HasFailure()) << e.w.describe();
    }
}

TEST(exactly_once, two_copies_in_a_retry_topic_are_one_event) {
    effects_world e(7);
    e.w.start([&](corvid::service& s) {
        s.on<order_placed>(
            "billing",
            [](const order_placed& o, context& ctx, unit_of_work& db) -> outcome {
                insert(db, o);
                return ctx.attempt() == 1 ? retry("later") : outcome(done);
            },
            {.retry = {.limit = 1}, .retry_topics = {1s}, .gives_up_order = true, .exactly_once = e.into()});
    });
    const std::string tier = "shop.order.placed.service.billing.retry.1s";
    e.w.crash_at(after_send.in(tier)).publish(order_placed{"a", 1}).run_until_consumed();
    EXPECT_EQ(e.w.crashes(), 1u);
    EXPECT_EQ(e.w.records(tier).size(), 2u);
    e.expect_effects({{"a", 1}});
}

TEST(exactly_once, each_type_of_a_route_may_have_its_effects) {
    effects_world e(6);
    e.w.start([&](corvid::service& s) {
        s.route("billing", "shop.order.placed", {.exactly_once = e.into()})
            .by([](const record_origin&) { return std::string(message_traits<order_placed>::event_type); })
            .on<order_placed>([](const order_placed& o, context&, unit_of_work& db) { insert(db, o); })
            .on<invoice_issued>([](const invoice_issued&) {})
            .otherwise(dead_letter);
    });
    publish_orders(e.w, 3, 5);
    e.w.run_until_consumed();
    e.expect_effects(orders(3, 5));
}

TEST(exactly_once, without_a_unit_or_with_one_and_no_database_is_refused) {
    effects_world e(5);
    EXPECT_EQ(e.refused_with([](corvid::service& s) {
        s.on<order_placed>("a", [](const order_placed& o, context&, unit_of_work& db) { insert(db, o); });
    }),
              "subscription \"a\": its handler takes a unit_of_work, and exactly_once is not set");
    EXPECT_EQ(e.refused_with([&](corvid::service& s) {
        s.on<order_placed>("a", [](const order_placed&) {}, {.exactly_once = e.into()});
    }),
              "subscription \"a\": exactly_once is set, and its handler takes no unit_of_work");
    EXPECT_NE(e.refused_with([&](corvid::service& s) {
                   subscribe(s, shape::plain,
                             {.exactly_once = in(e.db, {.retention = 1h, .redelivery_window = 2h})});
               }).find("is below inbox.redelivery_window"),
              std::string::npos);
}

} // namespace
} // namespace corvid::testing
