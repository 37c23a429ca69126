// SPDX-License-Identifier: Apache-2.0
//
// exactly_once of batch handlers in virtual time, with the in-process broker and SQLite.
#include <corvid/inbox/by_offset/offset_mark.hpp>
#include <corvid/testing/effects/batches_world_test.hpp>

namespace corvid::testing {
namespace {

// How often each was shown, over all calls; plain inserts.
struct shown {
    std::map<std::pair<std::string, int>, int> times;
    std::size_t calls = 0;
    auto handler() {
        return [this](batch_of_orders batch, batch_context&, unit_of_work& db) {
            ++calls;
            for (const auto& each : batch) {
                ++times[{each->customer, each->n}];
                insert(db, *each);
            }
        };
    }
};

TEST(exactly_once_batches, write_the_effects_of_a_call_together_and_show_no_duplicate) {
    effects_world e(1);
    shown seen;
    e.w.start([&](corvid::service& s) {
        s.on_batch<order_placed>("billing", seen.handler(),
                                 {.max = 100, .within = 50ms, .exactly_once = e.into()});
    });
    for (int n = 20; n < 60; ++n) // two in a batch, on two partitions
        for (const int partition : {0, 1})
            e.w.publish(order_placed{"a", n},
                        {.partition = partition_id(partition), .event_id = "id-" + std::to_string(n)});
    e.w.run_until_consumed();
    EXPECT_EQ(e.effects().size(), 40u);
    EXPECT_LE(seen.calls, 3u);
    for (const auto& [which, times] : seen.times)
        EXPECT_EQ(times, 1) << which.second;
    const std::size_t calls = seen.calls;
    e.w.publish(order_placed{"a", 21}, {.event_id = "id-21"}).run_until_consumed();
    EXPECT_EQ(seen.calls, calls) << "a batch of duplicates calls nobody";
    EXPECT_EQ(e.effects().size(), 40u);
}

TEST(exactly_once_batches, what_is_not_done_has_no_mark_and_skip_leaves_one) {
    effects_world e(2);
    e.w.start([&](corvid::service& s) {
        s.on_batch<order_placed>("billing",
                                 [](batch_of_orders batch, batch_context& ctx, unit_of_work& db) {
                                     batch_outcomes said(batch);
                                     for (std::size_t i = 0; i < batch.size(); ++i) {
                                         const int n = batch[i]->n;
                                         if (n == 1 && ctx.of(i).attempt() < 3) said[i] = retry("later");
                                         if (n == 2) said[i] = skip;
                                         if (n == 3) said[i] = dead_letter("never");
                                         if (said[i] == verdict::done) insert(db, *batch[i]);
                                     }
                                     return said;
                                 },
                                 {.retry = {.first = 10ms}, .exactly_once = e.into()});
    });
    publish_orders(e.w, 5, 6);
    e.w.run_until_consumed();
    e.expect_effects(orders(5, 6, {2, 3}));
    EXPECT_EQ(e.w.dead_letters<order_placed>("service.billing").size(), 5u);
    EXPECT_EQ(e.count("processed_events"), 30);
}

TEST(exactly_once_batches, one_that_the_database_refuses_costs_no_other_its_effect) {
    for (const effect_mark by : {by_event_id, by_offset}) {
        effects_world e(3);
        shown seen;
        e.w.start([&](corvid::service& s) {
            s.on_batch<order_placed>("billing", seen.handler(),
                                     {.order = by_partition, .exactly_once = e.into(by)});
        });
        publish_orders(e.w, 4, 30);
        e.w.run_until_consumed();
        e.expect_effects(orders(4, 30, {refused}));
        EXPECT_EQ(e.w.dead_letters<order_placed>("service.billing").size(), 4u);
    }
}

TEST(exactly_once_batches, that_skip_or_throw_after_a_question_leave_nothing_of_what_was_sent_with_it) {
    effects_world e(4);
    e.w.start([&](corvid::service& s) {
        s.on_batch<order_placed>(
            "billing",
            [](batch_of_orders batch, batch_context& ctx, unit_of_work& db) -> task<outcome> {
                for (const auto& each : batch)
                    insert(db, *each);
                auto there = co_await db.query<std::int64_t>("select count(*) from effect");
                EXPECT_EQ(there.value().front(), static_cast<std::int64_t>(batch.size()));
                if (ctx.attempt() == 1) throw std::runtime_error("once more");
                co_return skip;
            },
            {.retry = {.first = 10ms}, .exactly_once = e.into()});
    });
    publish_orders(e.w, 2, 5);
    e.w.run_until_consumed();
    EXPECT_EQ(e.effects().size(), 0u);
    EXPECT_EQ(e.count("processed_events"), 10) << "skip leaves the mark";
}

TEST(exactly_once_batches, commit_nothing_before_what_they_publish_is_acknowledged) {
    effects_world e(5);
    e.w.start([&](corvid::service& s) {
        s.on_batch<order_placed>("billing",
                                 [](batch_of_orders batch, batch_context& ctx, unit_of_work& db) {
                                     for (std::size_t i = 0; i < batch.size(); ++i) {
                                         insert(db, *batch[i]);
                                         ctx.of(i).publish(invoice_issued{batch[i]->customer, batch[i]->n});
                                     }
                                 },
                                 {.retry = {.first = 10ms}, .exactly_once = e.into()});
    });
    e.w.delay_sends(5s);
    publish_orders(e.w, 3, 5);
    e.w.run_for(4s);
    EXPECT_EQ(e.count("effect"), 0);
    e.w.run_until_consumed();
    e.expect_effects(orders(3, 5));
    std::set<std::pair<std::string, int>> issued;
    for (const auto& each : e.w.topic<invoice_issued>())
        issued.emplace(each->customer, each->n);
    EXPECT_EQ(issued, orders(3, 5));
}

TEST(exactly_once_batches, by_offset_move_the_rows_of_their_partitions_in_one_transaction) {
    effects_world e(6);
    shown seen;
    e.w.start([&](corvid::service& s) {
        s.on_batch<order_placed>(
            "billing", seen.handler(),
            {.max = 60, .within = 50ms, .order = by_partition, .exactly_once = e.into(by_offset)});
    });
    publish_orders(e.w, 12, 5);
    e.w.run_until_consumed();
    e.expect_effects(orders(12, 5));
    EXPECT_LE(seen.calls, 2u);
    std::int64_t sum = 0;
    for (const auto& [partition, next] : e.w.committed("service.billing", "shop.order.placed")) {
        EXPECT_EQ(e.get(read_position(e.db, {"service.billing", "shop.order.placed", partition}))
                      .value()
                      .value_or(0),
                  next);
        sum += next;
    }
    EXPECT_EQ(sum, 60);
}

TEST(exactly_once_batches, by_offset_that_are_not_ordered_by_partition_are_refused) {
    effects_world e(7);
    shown seen;
    EXPECT_NE(e.refused_with([&](corvid::service& s) {
                   s.on_batch<order_placed>("a", seen.handler(), {.exactly_once = e.into(by_offset)});
               }).find("by_offset applies a partition in the order of its offsets"),
              std::string::npos);
    EXPECT_NE(e.refused_with([&](corvid::service& s) {
                   s.on_batch<order_placed>("a", seen.handler(), {});
               }).find("takes a unit_of_work, and exactly_once is not set"),
              std::string::npos);
    EXPECT_NE(e.refused_with([&](corvid::service& s) {
                   s.on_batch<order_placed>("a", [](batch_of_orders) {}, {.exactly_once = e.into()});
               }).find("its handler takes no unit_of_work"),
              std::string::npos);
}

} // namespace
} // namespace corvid::testing
