// SPDX-License-Identifier: Apache-2.0
//
// Batches on the in-process broker in virtual time: when they go, in which order, and what becomes of one
// that fails.
#include <corvid/consume/blocking.hpp>
#include <corvid/consume/detail/group_world_test.hpp>
#include <corvid/consume/shapes/batch_handler.hpp>

namespace corvid::consume_test {
namespace {

using batch_span = std::span<const received<keyed>>;

template <class F>
std::unique_ptr<group_loop> join_batches(group_world& w, F function, subscription with,
                                         batch_attempt::settings how = {}, group_settings settings = {}) {
    if (!with.batch) with.batch.emplace();
    if (with.concurrency == subscription{}.concurrency) with.concurrency = 1;
    how.attempts = with.failure.retry.limit;
    with.handle = std::make_unique<batch_handler<keyed, F>>(std::move(function), how, w.scope);
    return w.join_with(std::move(with), std::move(settings));
}

void post_bytes(group_world& w, std::string_view key, optional_bytes value) {
    auto topic = w.out->topic(keyed_topic);
    EXPECT_TRUE(w.out->post(**topic, key, value));
}

TEST(batches, go_when_they_are_full_and_what_is_left_after_a_time) {
    group_world w(1);
    witness sees;
    std::vector<std::pair<std::size_t, duration>> sizes;
    const auto began = w.sim.steady_now();
    auto loop = join_batches(w,
                             [&](batch_span batch) {
                                 sizes.emplace_back(batch.size(), w.sim.steady_now() - began);
                                 for (const auto& each : batch)
                                     sees.finished(*each);
                             },
                             {.batch = batch_limits{.max = 100, .within = 2s}});
    w.publish(50, 5);
    w.sim.run_for(1s);
    ASSERT_EQ(sizes.size(), 2u);
    for (const auto& [size, when] : sizes)
        EXPECT_EQ(size, 100u);
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    ASSERT_EQ(sizes.size(), 3u);
    EXPECT_EQ(sizes[2].first, 50u);
    EXPECT_GE(sizes[2].second, sizes[1].second + 2s);
    sees.expect_each_once(w.published);
    EXPECT_EQ(w.end(*loop), loop_end::clean);
}

TEST(batches, are_full_of_one_partition_or_one_key_too) {
    for (const order how : {by_key, by_partition, unordered}) {
        group_world w(2, 1);
        std::vector<std::size_t> sizes;
        auto loop = join_batches(w, [&](batch_span batch) { sizes.push_back(batch.size()); },
                                 {.order = how, .batch = batch_limits{.max = 1'000, .within = 1h}});
        w.publish(1, 3'000);
        EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
        EXPECT_EQ(sizes, (std::vector<std::size_t>{1'000, 1'000, 1'000}));
        EXPECT_EQ(w.end(*loop), loop_end::clean);
    }
}

TEST(batches, are_closed_by_the_record_that_reaches_the_bytes) {
    group_world w(3);
    std::vector<std::size_t> sizes;
    auto loop = join_batches(w, [&](batch_span batch) { sizes.push_back(batch.size()); },
                             {.batch = batch_limits{.max = 1'000, .within = 1h, .bytes = 30'000}});
    for (int i = 0; i < 20; ++i)
        post_bytes(w, "k" + std::to_string(i % 7), R"({"n":1,"key":")" + std::string(9'000, 'x') + R"("})");
    w.flush();
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    EXPECT_EQ(sizes, (std::vector<std::size_t>{4, 4, 4, 4, 4}));
    w.end(*loop);
}

TEST(batches, of_coroutines_run_beside_one_another_but_never_one_key_twice) {
    group_world w(4);
    witness sees;
    std::size_t at_once = 0, most = 0;
    auto loop = join_batches(w,
                             [&](batch_span batch, batch_context& ctx) -> task<void> {
                                 most = std::max(most, ++at_once);
                                 std::set<std::string> keys;
                                 for (const auto& each : batch)
                                     if (keys.insert(each->key).second) sees.began(each->key);
                                 co_await ctx.sleep(10ms);
                                 for (const auto& key : keys)
                                     sees.left(key);
                                 for (const auto& each : batch)
                                     sees.finished(*each);
                                 --at_once;
                             },
                             {.concurrency = 4, .batch = batch_limits{.max = 50, .within = 5ms}});
    w.publish(300, 10);
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    EXPECT_EQ(most, 4u);
    sees.expect_each_once(w.published);
    EXPECT_EQ(w.end(*loop), loop_end::clean);
}

TEST(batches, of_blocking_handlers_run_on_the_pool) {
    group_world w(5);
    witness sees;
    blocking_pool pool(w.sim, 2);
    auto function = blocking([&](batch_span batch) {
        w.sim.advance(5ms);
        for (const auto& each : batch)
            sees.finished(*each);
    });
    using made = batch_handler<keyed, decltype(function)>;
    subscription with{.concurrency = 2, .batch = batch_limits{.max = 64, .within = 20ms}};
    with.handle = std::make_unique<pooled_handler>(
        std::make_unique<made>(std::move(function), batch_attempt::settings{}, w.scope), pool);
    auto loop = w.join_with(std::move(with));
    w.publish(100, 10);
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    sees.expect_each_once(w.published);
    EXPECT_EQ(w.end(*loop), loop_end::clean);
}

TEST(batches, give_back_at_once_what_they_have_not_filled) {
    group_world w(6);
    int handled = 0;
    auto loop = join_batches(w, [&](batch_span batch) { handled += static_cast<int>(batch.size()); },
                             {.batch = batch_limits{.max = 500, .within = 1h}});
    w.publish(20, 5);
    w.sim.run_for(5s);
    EXPECT_EQ(handled, 0);
    const auto began = w.sim.steady_now();
    EXPECT_EQ(w.end(*loop), loop_end::clean);
    EXPECT_LT(w.sim.steady_now() - began, 2s);
    EXPECT_EQ(handled, 0);
    auto next = join_batches(w, [&](batch_span batch) { handled += static_cast<int>(batch.size()); },
                             {.batch = batch_limits{.max = 50, .within = 1h}});
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    EXPECT_EQ(handled, 100);
    w.end(*next);
}

TEST(batches, that_are_at_work_are_finished_in_a_revoke_and_none_of_them_comes_again) {
    group_world w(7);
    witness sees;
    auto work = [&](batch_span batch, batch_context& ctx) -> task<void> {
        co_await ctx.sleep(3s);
        for (const auto& each : batch)
            sees.finished(*each);
    };
    auto loop = join_batches(w, work, {.batch = batch_limits{.max = 100, .within = 10ms}});
    w.publish(30, 20);
    w.sim.run_for(1s);
    w.cluster.script().rebalance("group");
    w.sim.run_for(10s);
    EXPECT_EQ(w.end(*loop), loop_end::clean);
    auto next = join_batches(w, work, {.batch = batch_limits{.max = 100, .within = 10ms}});
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    sees.expect_each_once(w.published);
    w.end(*next);
}

TEST(batches, are_asked_to_stop_when_the_drain_is_over) {
    group_world w(8);
    std::optional<stop_reason> why;
    auto loop = join_batches(w,
                             [&](batch_span, batch_context& ctx) -> task<outcome> {
                                 while (!ctx.stop().stop_requested())
                                     co_await ctx.sleep(100ms);
                                 why = ctx.stop().reason();
                                 co_return retry("stopped");
                             },
                             {.batch = batch_limits{.max = 100, .within = 10ms}});
    w.publish(30, 2);
    w.sim.run_for(1s);
    w.end(*loop, 2s, 2s);
    EXPECT_EQ(why, stop_reason::shutdown);
}

TEST(batches, that_fail_are_tried_again_as_a_whole_and_then_halved_until_the_bad_ones_stand_alone) {
    group_world w(9, 1);
    std::vector<std::size_t> sizes;
    witness sees;
    auto loop = join_batches(
        w,
        [&](batch_span batch) {
            sizes.push_back(batch.size());
            for (const auto& each : batch)
                if (each->key == "k3") throw std::runtime_error("k3 never works");
            for (const auto& each : batch)
                sees.finished(*each);
        },
        {.failure = {.retry = {.first = 1s, .limit = 3}, .rejected = when_rejected::dead_letters},
         .batch = batch_limits{.max = 8, .within = 10ms}});
    w.publish(8, 1);
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    EXPECT_EQ(sizes, (std::vector<std::size_t>{8, 8, 8, 4, 2, 2, 1, 1, 4}));
    EXPECT_EQ(sees.done.size(), 7u);
    EXPECT_FALSE(sees.done.contains("k3"));
    EXPECT_EQ(w.end(*loop), loop_end::clean);
    EXPECT_EQ(w.dead_letters().size(), 1u);
}

TEST(batches, that_are_halved_at_once_try_only_those_again_that_failed_alone) {
    group_world w(10, 1);
    std::vector<std::size_t> sizes;
    witness sees;
    int failures = 0;
    auto loop = join_batches(
        w,
        [&](batch_span batch) {
            sizes.push_back(batch.size());
            for (const auto& each : batch)
                if (each->key == "k3" && failures < 4) {
                    ++failures;
                    throw std::runtime_error("not yet");
                }
            for (const auto& each : batch)
                sees.finished(*each);
        },
        {.failure = {.retry = {.first = 1s, .limit = 3}}, .batch = batch_limits{.max = 8, .within = 10ms}},
        {.then = when_batch_fails::halve});
    w.publish(8, 1);
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    EXPECT_EQ(sizes, (std::vector<std::size_t>{8, 4, 2, 2, 1, 1, 4, 1}));
    sees.expect_each_once(w.published);
    EXPECT_EQ(w.end(*loop), loop_end::clean);
}

TEST(batches, single_out_what_is_rejected_whatever_the_setting_says) {
    group_world w(11, 1);
    witness sees;
    auto loop = join_batches(w,
                             [&](batch_span batch) {
                                 for (const auto& each : batch)
                                     if (each->n == 1) throw rejected("the second of each is bad");
                                 for (const auto& each : batch)
                                     sees.finished(*each);
                             },
                             {.failure = {.rejected = when_rejected::dead_letters},
                              .batch = batch_limits{.max = 100, .within = 10ms}});
    w.publish(5, 4);
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    for (const auto& [key, seen] : sees.done)
        EXPECT_EQ(seen, (std::vector<int>{0, 2, 3})) << key;
    EXPECT_EQ(w.end(*loop), loop_end::clean);
    EXPECT_EQ(w.dead_letters().size(), 5u);
}

TEST(batches, hear_the_outcome_of_each_record) {
    group_world w(12, 1);
    std::map<std::string, std::vector<int>> seen;
    int attempt = 0;
    auto loop = join_batches(
        w,
        [&](batch_span batch) {
            ++attempt;
            batch_outcomes said(batch);
            for (std::size_t i = 0; i < batch.size(); ++i) {
                seen[batch[i]->key].push_back(batch[i]->n);
                if (batch[i]->key == "k1" && batch[i]->n == 1) said[i] = dead_letter("bad");
                if (batch[i]->key == "k2" && batch[i]->n == 1 && attempt == 1) said[i] = retry("busy");
                if (batch[i]->key == "k3") said[i] = skip;
            }
            return said;
        },
        {.failure = {.retry = {.first = 1s, .limit = 3}, .rejected = when_rejected::dead_letters},
         .batch = batch_limits{.max = 100, .within = 10ms}});
    w.publish(4, 4);
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    EXPECT_EQ(seen["k0"], (std::vector<int>{0, 1, 2, 3}));
    EXPECT_EQ(seen["k1"], (std::vector<int>{0, 1, 2, 3}))
        << "what is behind a dead letter does not come again";
    EXPECT_EQ(seen["k2"], (std::vector<int>{0, 1, 2, 3, 1, 2, 3})) << "what is behind a retry does";
    EXPECT_EQ(seen["k3"], (std::vector<int>{0, 1, 2, 3}));
    EXPECT_EQ(w.end(*loop), loop_end::clean);
    EXPECT_EQ(w.dead_letters().size(), 1u);
}

TEST(batches, whose_outcomes_are_too_few_stop_the_service_and_hold_the_offset) {
    group_world w(13, 1);
    auto loop = join_batches(w, [&](batch_span) { return std::vector<outcome>{done}; },
                             {.batch = batch_limits{.max = 100, .within = 10ms}});
    std::string why;
    loop->on_handler_stop = [&](const error& e) { why = e.describe(); };
    w.publish(3, 1);
    w.sim.run_for(5s);
    EXPECT_NE(why.find("1 outcomes for a batch of 3"), std::string::npos) << why;
    EXPECT_EQ(w.committed(0), 0);
    EXPECT_EQ(w.end(*loop), loop_end::failed);
}

TEST(batches, never_hold_what_is_no_message_nor_fail_by_it) {
    group_world w(14, 1);
    std::vector<std::string> seen;
    auto loop = join_batches(w,
                             [&](batch_span batch) {
                                 for (const auto& each : batch)
                                     seen.push_back(std::string(each.key().text()) +
                                                    (each.is_tombstone() ? " gone" : ""));
                             },
                             {.failure = {.rejected = when_rejected::dead_letters},
                              .batch = batch_limits{.max = 100, .within = 10ms}});
    post_bytes(w, "a", R"({"key":"a","n":1})");
    post_bytes(w, "b", "no message");
    post_bytes(w, "a", nullptr);
    post_bytes(w, "b", R"({"key":"b","n":1})");
    w.flush();
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    EXPECT_EQ(seen, (std::vector<std::string>{"a", "a gone", "b"}));
    EXPECT_EQ(w.end(*loop), loop_end::clean);
    const auto dead = w.dead_letters();
    ASSERT_EQ(dead.size(), 1u);
    EXPECT_EQ(dead[0].value, "no message");
}

TEST(batches, that_cannot_work_are_refused_with_both_settings_named) {
    group_world w(15);
    const auto refused = [&](subscription with) {
        try {
            auto loop = join_batches(w, [](batch_span) {}, std::move(with));
            w.end(*loop);
        } catch (const config_error& wrong) {
            return wrong.why().describe();
        }
        return std::string("taken");
    };
    EXPECT_NE(refused({.batch = batch_limits{.max = 0}}).find("max is 0"), std::string::npos);
    EXPECT_NE(refused({.intake = {.runnable_records = 100}, .batch = batch_limits{.max = 101}})
                  .find("max is above intake.runnable_records"),
              std::string::npos);
    EXPECT_NE(refused({.intake = {.runnable_bytes = 100}, .batch = batch_limits{.bytes = 101}})
                  .find("bytes is above intake.runnable_bytes"),
              std::string::npos);
}

} // namespace
} // namespace corvid::consume_test
