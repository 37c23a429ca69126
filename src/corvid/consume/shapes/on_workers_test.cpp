// SPDX-License-Identifier: Apache-2.0
//
// Handlers of every shape on workers, in virtual time: where they are called, the order of each key, and what
// they publish.
#include <corvid/base/random.hpp>
#include <corvid/consume/shapes/batch_handler.hpp>
#include <corvid/consume/shapes/fan_out.hpp>
#include <corvid/consume/shapes/publishing_world_test.hpp>
#include <corvid/consume/shapes/router.hpp>

namespace sample {
struct keyed_too {
    std::string key;
    int n = 0;
};
CORVID_MESSAGE(keyed_too, (key, n), .topic = "test.keyed.made", .key = &keyed_too::key,
               .event_type = "keyed-too");
} // namespace sample

namespace corvid::consume_test {
namespace {

using sample::keyed_too;

constexpr std::array shapes = {"plain",   "coroutine",        "route", "route of coroutines",
                               "fan_out", "fan_out of tasks", "batch", "batch of coroutines"};

/// One handler, given as what is done with a record, in the shape that is asked for.
class shape_world : public publishing_world {
public:
    shape_world(std::uint64_t seed, std::size_t which, std::int32_t partition_count = 4)
        : publishing_world(seed, partition_count), shape(which), random(seed) {
        workers = std::make_unique<worker_pool>(sim, 3);
    }

    std::unique_ptr<group_loop> join_shape(subscription with = {}, group_settings settings = {}) {
        if (is_batch()) {
            with.batch = batch_limits{.max = 1 + random.below(64), .within = 2ms};
            with.concurrency = 1 + random.below(4);
        }
        with.handle = make();
        return join_with(std::move(with), std::move(settings));
    }
    [[nodiscard]] bool is_batch() const { return shape >= 6; }

    std::function<outcome(const keyed&, context&)> does;
    std::function<duration()> waits = [] { return 100us; };
    std::map<std::string, std::set<scheduler*>> of_key; ///< where it was called
    const std::size_t shape;
    prng random;

private:
    outcome on(const keyed& e, context& ctx) {
        of_key[e.key].insert(scheduler::current());
        return does(e, ctx);
    }
    auto at_once() {
        return [this](const keyed& e, context& ctx) { return on(e, ctx); };
    }
    template <class T>
    auto in_a_while() {
        return [this](const T& e, context& ctx) -> task<outcome> {
            const keyed mine{e.key, e.n};
            co_await ctx.sleep(waits());
            co_return on(mine, ctx);
        };
    }
    /// Behind a record that failed its key is not touched.
    batch_outcomes each_of(std::span<const received<keyed>> batch, batch_context& ctx) {
        batch_outcomes said(batch);
        std::set<std::string> failed;
        for (std::size_t i = 0; i < batch.size(); ++i) {
            said[i] = failed.contains(batch[i]->key) ? outcome(retry("behind")) : on(*batch[i], ctx.of(i));
            if (said[i] == verdict::retry) failed.insert(batch[i]->key);
        }
        return said;
    }
    auto batch_at_once() {
        return [this](std::span<const received<keyed>> batch, batch_context& ctx) {
            return each_of(batch, ctx);
        };
    }
    auto batch_in_a_while() {
        return [this](std::span<const received<keyed>> batch, batch_context& ctx) -> task<batch_outcomes> {
            co_await ctx.sleep(waits());
            co_return each_of(batch, ctx);
        };
    }
    static auto route() {
        const auto by_turns = [](const record_origin& of) -> std::optional<std::string> {
            return std::string(of.source->offset % 2 == 0 ? message_traits<keyed>::event_type
                                                          : message_traits<keyed_too>::event_type);
        };
        return routes([](std::unique_ptr<handler> handle, bool) { return handle; }).by(by_turns);
    }
    template <class F>
    static std::unique_ptr<handler> typed(F function) {
        return std::make_unique<typed_handler<keyed, F>>(std::move(function));
    }
    template <class... F>
    static std::unique_ptr<handler> fanned(all_functions<F...> all) {
        return std::make_unique<fan_out_handler<keyed, F...>>(std::move(all));
    }
    template <class F>
    static std::unique_ptr<handler> batched(F function) {
        return std::make_unique<batch_handler<keyed, F>>(
            std::move(function), batch_attempt::settings{.attempts = exponential{}.limit});
    }
    std::unique_ptr<handler> make() {
        const auto too = [this](const keyed_too& e, context& ctx) { return on({e.key, e.n}, ctx); };
        switch (shape) {
        case 0:
            return typed(at_once());
        case 1:
            return typed(in_a_while<keyed>());
        case 2:
            return route().on<keyed>(at_once()).on<keyed_too>(too).otherwise(stop);
        case 3:
            return route().on<keyed>(at_once()).on<keyed_too>(in_a_while<keyed_too>()).otherwise(stop);
        case 4:
            return fanned(to_all([](const keyed&) {}, at_once()));
        case 5:
            return fanned(to_all([](const keyed&) {}, in_a_while<keyed>()));
        case 6:
            return batched(batch_at_once());
        default:
            return batched(batch_in_a_while());
        }
    }
};

TEST(shapes_on_workers, every_shape_is_called_on_them_and_keeps_the_order_of_each_key) {
    for (std::size_t shape = 0; shape < shapes.size(); ++shape) {
        SCOPED_TRACE(shapes[shape]);
        shape_world w(10 + shape, shape);
        witness sees;
        w.does = [&](const keyed& e, context&) -> outcome {
            w.sim.advance(10us); // too slow for the loop
            sees.finished(e);
            return done;
        };
        auto loop = w.join_shape();
        w.publish(60, 20);
        EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
        sees.expect_each_once(w.published);
        std::set<scheduler*> all;
        for (const auto& [key, where] : w.of_key) {
            all.insert(where.begin(), where.end());
            if (!w.is_batch()) {
                EXPECT_EQ(where.size(), 1u) << key;
            }
        }
        EXPECT_EQ(all.size(), 3u);
        EXPECT_FALSE(all.contains(&loop->loop()));
        EXPECT_EQ(w.end(*loop), loop_end::clean);
    }
}

TEST(shapes_on_workers, what_every_shape_publishes_holds_its_records_until_it_is_acknowledged) {
    for (std::size_t shape = 0; shape < shapes.size(); ++shape) {
        SCOPED_TRACE(shapes[shape]);
        shape_world w(20 + shape, shape);
        int handled = 0;
        w.does = [&](const keyed& e, context& ctx) -> outcome {
            w.sim.advance(10us);
            ++handled;
            ctx.publish(echoed{e.key, e.n});
            return done;
        };
        w.publish(100, 1);
        w.cluster.script().delay_sends(3s);
        auto loop = w.join_shape();
        w.sim.run_for(2'500ms);
        EXPECT_EQ(handled, 100) << "nobody waits for it";
        for (int p = 0; p < 4; ++p)
            EXPECT_EQ(w.committed(p), 0);
        EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
        w.expect_echoes();
        EXPECT_EQ(w.end(*loop), loop_end::clean);
    }
}

/// Every shape, which fails and publishes at random, with sends that are late or fail, rebalances and
/// restarts.
class shape_histories : public testing::TestWithParam<int> {
public:
    shape_histories() : seed(static_cast<std::uint64_t>(GetParam())), w(seed, seed % shapes.size(), 3) {
        w.waits = [this] { return w.random.below(3) * std::chrono::microseconds(w.random.below(20'000)); };
        w.does = [this](const keyed& e, context& ctx) -> outcome {
            EXPECT_LE(e.n, next[e.key]) << e.key << " overtook itself";
            if (w.random.below(4) == 0) w.sim.advance(std::chrono::microseconds(w.random.below(50)));
            if (w.random.below(40) == 0) return retry("flaky");
            ctx.publish(echoed{e.key, e.n});
            if (w.random.below(40) == 0) return retry("flaky");
            next[e.key] = std::max(next[e.key], e.n + 1);
            return done;
        };
    }
    void join() {
        loop = w.join_shape({.order = w.random.below(3) == 0 ? by_partition : by_key,
                             .concurrency = 1 + w.random.below(20),
                             .failure = {.retry = {.first = 10ms, .limit = 1'000'000, .cap = 100ms}},
                             .intake = {.runnable_records = 64 + w.random.below(400)}},
                            {.source = {.client_id = "m"},
                             .rebalance_drain = std::chrono::milliseconds(w.random.below(500)),
                             .crashes = {.suspect_after = 0}}); // its ends look like crashes
    }
    void something_happens() {
        auto& script = w.cluster.script();
        script.delay_sends(std::chrono::milliseconds(w.random.below(200)));
        if (w.random.below(3) == 0) script.fail_sends(w.random.below(6), error(errc::not_persisted));
        if (w.random.below(6) == 0) script.rebalance("group");
        if (w.random.below(10) == 0 && !script.describe("group").members.empty())
            script.lose_assignment("group", "m");
        if (w.random.below(8) > 0) return;
        w.end(*loop, std::chrono::milliseconds(w.random.below(400)), 100ms);
        join();
    }
    std::uint64_t seed;
    shape_world w;
    std::map<std::string, int> next;
    std::unique_ptr<group_loop> loop;
};

TEST_P(shape_histories, lose_nothing_and_keep_the_order_of_each_key_and_of_what_is_published_for_it) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", " + shapes[w.shape]);
    w.publish(7, 60);
    join();
    for (int i = 0; i < 30 && !w.all_committed(); ++i) {
        something_happens();
        w.sim.run_for(std::chrono::milliseconds(w.random.below(300)));
    }
    w.cluster.script().fail_sends(0, error(errc::not_persisted));
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1h));
    EXPECT_EQ(w.end(*loop), loop_end::clean);
    for (const auto& [key, n] : w.published)
        EXPECT_EQ(next[key], n) << key;
    w.expect_echoes(true);
}

INSTANTIATE_TEST_SUITE_P(seeds, shape_histories, testing::Range(1, 161));

} // namespace
} // namespace corvid::consume_test
