// SPDX-License-Identifier: Apache-2.0
//
// What batch handlers publish, for one record of the batch each.
#include <corvid/consume/shapes/batch_handler.hpp>
#include <corvid/consume/shapes/publishing_world_test.hpp>

namespace corvid::consume_test {
namespace {

using batch_span = std::span<const received<keyed>>;

template <class F>
std::unique_ptr<group_loop> join_batches(group_world& w, F function, subscription with = {}) {
    with.failure.retry = {.first = 100ms, .limit = 5};
    with.failure.rejected = when_rejected::dead_letters;
    with.concurrency = 1;
    if (!with.batch) with.batch = batch_limits{.max = 100, .within = 10ms};
    with.handle = std::make_unique<batch_handler<keyed, F>>(
        std::move(function), batch_attempt::settings{.attempts = with.failure.retry.limit});
    return w.join_with(std::move(with));
}

std::multiset<std::string> ids_of(const std::vector<raw_handler::seen>& echoes) {
    std::multiset<std::string> all;
    for (const auto& each : echoes)
        all.emplace(each.its_headers.find(wire::idempotency_key).value_or(""));
    return all;
}

TEST(batch_publishes, hold_their_own_records_alone) {
    publishing_world w(1, 1);
    w.publish(10, 1);
    w.cluster.script().delay_sends(3s);
    auto loop = join_batches(w, [](batch_span batch, batch_context& ctx) {
        for (std::size_t i = 0; i < batch.size(); ++i)
            if (batch[i].offset().value >= 4) ctx.of(i).publish(echoed{batch[i]->key, batch[i]->n});
    });
    w.sim.run_for(2s);
    EXPECT_EQ(w.committed(0), 4);
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    EXPECT_EQ(w.echoes().size(), 6u);
    EXPECT_EQ(w.end(*loop), loop_end::clean);
}

TEST(batch_publishes, that_fail_bring_their_record_again_and_those_of_its_key_behind_it) {
    publishing_world w(2, 1);
    std::map<std::string, std::vector<int>> seen;
    w.publish(3, 4);
    w.cluster.script().delay_sends(50ms);
    w.cluster.script().fail_sends(1, error(errc::not_persisted));
    auto loop = join_batches(w, [&](batch_span batch, batch_context& ctx) {
        for (std::size_t i = 0; i < batch.size(); ++i) {
            seen[batch[i]->key].push_back(batch[i]->n);
            if (batch[i]->key == "k1" && batch[i]->n == 1) ctx.of(i).publish(echoed{"k1", 1});
        }
    });
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    EXPECT_EQ(seen["k0"], (std::vector<int>{0, 1, 2, 3}));
    EXPECT_EQ(seen["k1"], (std::vector<int>{0, 1, 2, 3, 1, 2, 3}));
    EXPECT_EQ(seen["k2"], (std::vector<int>{0, 1, 2, 3}));
    EXPECT_EQ(w.end(*loop), loop_end::clean);
    EXPECT_EQ(ids_of(w.echoes()), std::multiset<std::string>{"test.keyed.made-0-4/1"});
}

TEST(batch_publishes, of_a_call_that_failed_are_not_waited_for_and_come_again_with_the_same_ids) {
    publishing_world w(3, 1);
    int calls = 0;
    w.publish(2, 1);
    auto loop = join_batches(w, [&](batch_span batch, batch_context& ctx) {
        for (std::size_t i = 0; i < batch.size(); ++i)
            ctx.of(i).publish(echoed{batch[i]->key, batch[i]->n});
        if (++calls == 1) throw std::runtime_error("not yet");
    });
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    EXPECT_EQ(w.end(*loop), loop_end::clean);
    EXPECT_EQ(calls, 2);
    EXPECT_EQ(ids_of(w.echoes()),
              (std::multiset<std::string>{"test.keyed.made-0-0/1", "test.keyed.made-0-0/1",
                                          "test.keyed.made-0-1/1", "test.keyed.made-0-1/1"}));
}

TEST(batch_publishes, behind_a_dead_letter_of_their_key_are_not_lost) {
    publishing_world w(4, 1);
    w.publish(1, 5);
    w.cluster.script().delay_sends(1s);
    w.cluster.script().fail_sends(2, error(errc::not_persisted));
    auto loop = join_batches(w, [](batch_span batch, batch_context& ctx) {
        batch_outcomes said(batch);
        for (std::size_t i = 0; i < batch.size(); ++i)
            if (batch[i]->n == 2)
                said[i] = dead_letter("bad");
            else
                ctx.of(i).publish(echoed{batch[i]->key, batch[i]->n});
        return said;
    });
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    EXPECT_EQ(w.end(*loop), loop_end::clean);
    EXPECT_EQ(w.dead_letters().size(), 1u);
    std::set<int> all;
    for (const auto& each : w.echoes())
        all.insert(json::decode<echoed>(each.value)->n);
    EXPECT_EQ(all, (std::set<int>{0, 1, 3, 4}));
}

TEST(batch_publishes, about_several_records_are_awaited) {
    publishing_world w(5, 1);
    int failures = 0, calls = 0;
    w.publish(5, 2);
    w.cluster.script().delay_sends(1s);
    w.cluster.script().fail_sends(2, error(errc::not_persisted));
    auto loop = join_batches(w, [&](batch_span batch, batch_context& ctx) -> task<outcome> {
        ++calls;
        const echoed sum{"sum", static_cast<int>(batch.size())};
        const auto at = co_await ctx.of(0).publish(sum, {.event_id = "sum"});
        failures += at ? 0 : 1;
        if (!at) co_return retry(at.error());
        co_return done;
    });
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    EXPECT_EQ(w.end(*loop), loop_end::clean);
    EXPECT_EQ(failures, 2);
    EXPECT_EQ(calls, 3);
    EXPECT_EQ(w.echoes().size(), 1u);
}

} // namespace
} // namespace corvid::consume_test
