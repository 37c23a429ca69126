// SPDX-License-Identifier: Apache-2.0
//
// What stands around an attempt, as a group performs it.
#include <corvid/consume/detail/group_world_test.hpp>
#include <corvid/consume/shapes/fan_out.hpp>
#include <corvid/consume/shapes/router.hpp>
#include <corvid/middleware/attempt_chain.hpp>

namespace corvid::consume_test {
namespace {

struct middleware_of_a_group : testing::TestWithParam<std::uint64_t> {
    group_world w{GetParam()};
    metrics figures{"test"};
    dependencies shared{w.quiet, &figures};
    witness seen;
    int calls = 0;
    int most_attempts = 0;
    bool is_down = false;

    subscription around(chain_settings with, subscription s = {}) {
        s.chain = std::make_shared<attempt_chain>(std::move(with), shared, "test", "group");
        return s;
    }
    outcome ask_dependency(const keyed& e, const context& ctx) {
        ++calls;
        most_attempts = std::max(most_attempts, ctx.attempt());
        if (is_down) return retry("the dependency is away");
        seen.finished(e);
        return done;
    }
    auto plain() {
        return [this](const keyed& e, context& ctx) { return ask_dependency(e, ctx); };
    }
    auto awaited(duration length = 2ms) {
        return [this, length](const keyed& e, context& ctx) -> task<outcome> {
            seen.began(e.key);
            co_await ctx.sleep(length);
            seen.left(e.key);
            co_return ask_dependency(e, ctx);
        };
    }
    bool consumed(duration patience = 10min) {
        return w.sim.run_until([&] { return w.all_committed(); }, patience);
    }
    /// Five minutes without the dependency, then it is back.
    void outlast_an_outage(group_loop& loop, int most_calls) {
        is_down = true;
        w.publish(50, 10);
        w.sim.run_for(5min);
        EXPECT_LE(calls, most_calls) << "what is ill is left alone";
        EXPECT_GE(calls, 10) << "and is tried";
        EXPECT_LE(w.lines_with("circuit breaker is half open"), 11);
        is_down = false;
        EXPECT_TRUE(consumed());
        seen.expect_each_once(w.published);
        EXPECT_LE(most_attempts, 3) << "what is not tried costs no attempt";
        EXPECT_EQ(w.lines_with("a circuit breaker closes"), 1);
        EXPECT_EQ(w.end(loop), loop_end::clean);
    }
};

const breaker_settings ten_in_a_row{.failures = 10, .open_for = 30s};

TEST_P(middleware_of_a_group, an_open_breaker_stops_a_plain_handler_and_loses_no_attempt) {
    auto loop = w.join(plain(), around({.breaker = ten_in_a_row}));
    outlast_an_outage(*loop, 10 + 10);
}

TEST_P(middleware_of_a_group, an_open_breaker_stops_coroutines_and_loses_no_attempt) {
    auto loop = w.join(awaited(), around({.breaker = ten_in_a_row}));
    outlast_an_outage(*loop, 50 + 10); // all keys were at work when it opened
}

TEST_P(middleware_of_a_group, an_open_breaker_stands_before_all_handlers_of_a_fan_out) {
    int others = 0;
    auto all = to_all([&](const keyed&) { ++others; }, awaited(0ms));
    subscription with = around({.breaker = ten_in_a_row});
    with.handle = [&]<class... F>(all_functions<F...> given) {
        return std::make_unique<fan_out_handler<keyed, F...>>(std::move(given));
    }(std::move(all));
    auto loop = w.join_with(std::move(with));
    outlast_an_outage(*loop, 50 + 10);
    EXPECT_EQ(others, 500) << "what was done is not done again";
}

TEST_P(middleware_of_a_group, an_open_breaker_holds_for_unordered_and_by_partition_too) {
    for (const auto how : {unordered, by_partition}) {
        group_world fresh(GetParam());
        int tried = 0;
        bool down = true;
        subscription s{.order = how, .failure = {.retry = {.limit = 100}}};
        s.chain =
            std::make_shared<attempt_chain>(chain_settings{.breaker = ten_in_a_row}, shared, "test", "group");
        auto loop = fresh.join(
            [&](const keyed&) {
                ++tried;
                return down ? outcome(retry("away")) : outcome(done);
            },
            std::move(s));
        fresh.publish(50, 10);
        fresh.sim.run_for(5min);
        EXPECT_LE(tried, how == unordered ? 20 : 40);
        down = false;
        EXPECT_TRUE(fresh.sim.run_until([&] { return fresh.all_committed(); }, 10min));
        EXPECT_EQ(fresh.end(*loop), loop_end::clean);
    }
}

TEST_P(middleware_of_a_group, a_stop_while_a_breaker_is_open_waits_for_nobody_and_loses_nothing) {
    for (const bool waits : {false, true}) {
        is_down = true;
        auto loop = waits ? w.join(awaited(), around({.breaker = ten_in_a_row}))
                          : w.join(plain(), around({.breaker = ten_in_a_row}));
        w.publish(20, 5);
        w.sim.run_for(45s);
        const auto asked = w.sim.steady_now();
        EXPECT_EQ(w.end(*loop), loop_end::clean);
        EXPECT_LT(w.sim.steady_now() - asked, 3s);
    }
    is_down = false;
    auto loop = w.join(plain());
    EXPECT_TRUE(consumed());
    seen.expect_each_once(w.published);
    EXPECT_EQ(w.end(*loop), loop_end::clean);
}

TEST_P(middleware_of_a_group, a_rate_limit_is_kept_and_costs_no_attempt) {
    for (const bool waits : {false, true}) {
        calls = 0;
        const chain_settings with{.rate = {.per_second = 100, .burst = 10}};
        auto loop = waits ? w.join(awaited(), around(with)) : w.join(plain(), around(with));
        w.publish(30, 20);
        const auto began = w.sim.steady_now();
        EXPECT_TRUE(w.sim.run_until([&] { return calls == 600; }, 1min));
        const auto took = w.sim.steady_now() - began;
        EXPECT_GE(took, 5'800ms);
        EXPECT_LE(took, 7s);
        EXPECT_TRUE(consumed());
        EXPECT_EQ(w.end(*loop), loop_end::clean);
    }
    EXPECT_EQ(most_attempts, 1);
    seen.expect_each_once(w.published);
}

TEST_P(middleware_of_a_group, a_stop_within_a_rate_limit_ends_soon_and_loses_nothing) {
    auto loop = w.join(awaited(), around({.rate = {.per_second = 5}}));
    w.publish(30, 20);
    w.sim.run_for(10s);
    const auto asked = w.sim.steady_now();
    EXPECT_EQ(w.end(*loop), loop_end::clean);
    EXPECT_LT(w.sim.steady_now() - asked, 3s);
    seen.done.clear();
    auto next = w.join(plain());
    EXPECT_TRUE(consumed());
    EXPECT_EQ(w.end(*next), loop_end::clean);
}

TEST_P(middleware_of_a_group, two_members_with_a_rate_limit_lose_nothing_in_a_rebalance) {
    auto first = w.join(awaited(), around({.rate = {.per_second = 200}}));
    w.publish(30, 20);
    w.sim.run_for(1s);
    auto second = w.join(awaited(), around({.rate = {.per_second = 200}}));
    EXPECT_TRUE(consumed());
    EXPECT_EQ(w.end(*first), loop_end::clean);
    EXPECT_EQ(w.end(*second), loop_end::clean);
    std::size_t ran = 0;
    for (const auto& [key, numbers] : seen.done)
        ran += std::set<int>(numbers.begin(), numbers.end()).size();
    EXPECT_EQ(ran, 600U);
}

TEST_P(middleware_of_a_group, a_bulkhead_lets_in_so_many_coroutines) {
    std::size_t inside = 0, most = 0;
    auto loop = w.join(
        [&](const keyed& e, context& ctx) -> task<void> {
            most = std::max(most, ++inside);
            co_await ctx.sleep(10ms);
            --inside;
            seen.finished(e);
        },
        around({.bulkhead = {.at_once = 3, .waiting = 5, .wait = 15ms}}));
    w.publish(40, 5);
    EXPECT_TRUE(consumed());
    EXPECT_EQ(most, 3U);
    seen.expect_each_once(w.published);
    EXPECT_EQ(w.end(*loop), loop_end::clean);
}

TEST_P(middleware_of_a_group, a_coroutine_past_its_deadline_is_asked_to_stop_and_its_record_is_tried_again) {
    std::vector<std::optional<stop_reason>> reasons;
    duration took{};
    auto loop = w.join(
        [&](const keyed& e, context& ctx) -> task<void> {
            const auto began = w.sim.steady_now();
            while (ctx.attempt() == 1 && !ctx.stop().stop_requested())
                co_await ctx.sleep(10ms);
            if (ctx.attempt() == 1) {
                reasons.push_back(ctx.stop().reason());
                took = w.sim.steady_now() - began;
                co_return;
            }
            seen.finished(e);
        },
        around({.deadline = 2s}));
    w.publish(3, 1);
    EXPECT_TRUE(consumed());
    EXPECT_EQ(reasons, std::vector(3, std::optional(stop_reason::deadline)));
    EXPECT_GE(took, 2s);
    EXPECT_LE(took, 2s + 10ms);
    seen.expect_each_once(w.published);
    EXPECT_GT(w.lines_with("CVD-5030"), 0);
    EXPECT_EQ(w.end(*loop), loop_end::clean);
}

TEST_P(middleware_of_a_group, a_plain_handler_hears_of_its_deadline_when_it_asks) {
    auto loop = w.join(
        [&](const keyed& e, context& ctx) {
            while (ctx.attempt() == 1 && !ctx.stop().stop_requested())
                w.sim.advance(100ms);
            if (ctx.attempt() > 1) seen.finished(e);
        },
        around({.deadline = 2s}));
    w.publish(3, 2);
    EXPECT_TRUE(consumed());
    seen.expect_each_once(w.published);
    EXPECT_EQ(w.end(*loop), loop_end::clean);
}

TEST_P(middleware_of_a_group, a_middleware_of_the_users_stands_around_each_attempt_of_either_kind) {
    int refused = 0;
    const middleware of_calls = [&](context& ctx, next_call next) -> outcome {
        if (ctx.attempt() == 1 && ctx.offset() == corvid::offset(0)) {
            ++refused;
            return retry("not yet");
        }
        return next();
    };
    const middleware of_tasks = [&](context& ctx, next_task next) -> task<outcome> {
        co_await ctx.sleep(1ms);
        co_return co_await next();
    };
    auto loop = w.join(plain(), around({.middleware = {of_calls}}));
    w.publish(10, 10);
    EXPECT_TRUE(consumed());
    EXPECT_GT(refused, 0);
    EXPECT_LE(refused, w.partitions);
    EXPECT_EQ(w.end(*loop), loop_end::clean);
    auto next = w.join(awaited(), around({.middleware = {of_tasks}}));
    w.publish(10, 10);
    EXPECT_TRUE(consumed());
    seen.expect_each_once(w.published);
    EXPECT_EQ(w.end(*next), loop_end::clean);
}

TEST_P(middleware_of_a_group, a_middleware_that_does_not_serve_the_handler_is_refused) {
    const middleware of_calls = [](context&, next_call next) -> outcome { return next(); };
    try {
        auto loop = w.join(awaited(), around({.middleware = {of_calls}}));
        FAIL();
    } catch (const config_error& e) {
        EXPECT_NE(e.why().message().find("its handler is a coroutine"), std::string_view::npos);
    }
}

TEST_P(middleware_of_a_group, all_of_it_together_keeps_every_key_in_order) {
    auto loop = w.join(
        [&](const keyed& e, context& ctx) -> task<outcome> {
            seen.began(e.key);
            co_await ctx.sleep(e.n % 7 == 0 && ctx.attempt() == 1 ? 300ms : 3ms);
            seen.left(e.key);
            if (ctx.stop().stop_requested()) co_return done;
            if (e.n % 5 == 0 && ctx.attempt() == 1) co_return retry("once");
            seen.finished(e);
            co_return done;
        },
        around({.breaker = {.failures = 6, .failure_rate = 0.5, .open_for = 1s, .probes = 2},
                .rate = {.per_second = 300},
                .bulkhead = {.at_once = 8, .waiting = 4, .wait = 20ms},
                .deadline = 100ms}));
    w.publish(60, 15);
    EXPECT_TRUE(consumed(1h));
    seen.expect_each_once(w.published);
    EXPECT_EQ(w.end(*loop), loop_end::clean);
}

INSTANTIATE_TEST_SUITE_P(seeds, middleware_of_a_group, testing::Values(1, 2, 3));

} // namespace
} // namespace corvid::consume_test
