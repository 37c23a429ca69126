// SPDX-License-Identifier: Apache-2.0
//
// Several handlers for each record, on the in-process broker in virtual time.
#include <corvid/base/random.hpp>
#include <corvid/consume/blocking.hpp>
#include <corvid/consume/shapes/fan_out.hpp>
#include <corvid/consume/shapes/publishing_world_test.hpp>

namespace corvid::consume_test {
namespace {

template <class... F>
std::unique_ptr<group_loop> join_all(group_world& w, all_functions<F...> functions, subscription with = {},
                                     group_settings settings = {}) {
    with.handle = std::make_unique<fan_out_handler<keyed, F...>>(std::move(functions));
    return w.join_with(std::move(with), std::move(settings));
}

TEST(fan_out, a_handler_that_fails_is_tried_again_alone_and_the_offset_waits_for_it) {
    group_world w(1);
    witness first, second, third;
    std::map<std::string, int> failures;
    auto loop = join_all(w,
                         to_all([&](const keyed& e) { first.finished(e); },
                                [&](const keyed& e) {
                                    if (e.n == 1 && ++failures[e.key] < 4)
                                        throw std::runtime_error("not yet");
                                    second.finished(e);
                                },
                                [&](const received<keyed>& e, context&) -> outcome {
                                    third.finished(*e);
                                    return skip;
                                }),
                         {.failure = {.retry = {.first = 10s, .factor = 1, .limit = 5, .jitter = 0}}});
    w.publish(20, 4);
    w.sim.run_for(5s);
    for (int p = 0; p < 4; ++p)
        EXPECT_LT(w.committed(p), 20);
    EXPECT_FALSE(w.all_committed());
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 5min));
    for (const witness* each : {&first, &second, &third})
        each->expect_each_once(w.published);
    EXPECT_EQ(w.end(*loop), loop_end::clean);
}

TEST(fan_out, one_that_rejects_keeps_no_other_from_its_work_and_makes_one_dead_letter) {
    group_world w(2);
    witness sees;
    int rejections = 0, failures = 0;
    auto loop =
        join_all(w,
                 to_all(
                     [&](const keyed& e) -> outcome {
                         if (e.n != 1) return skip;
                         ++rejections;
                         return dead_letter("bad");
                     },
                     [&](const keyed& e) {
                         if (e.n == 1 && ++failures < 3) throw std::runtime_error("not yet");
                         sees.finished(e);
                     }),
                 {.failure = {.retry = {.first = 1s, .limit = 5}, .rejected = when_rejected::dead_letters}});
    w.publish(1, 3);
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    sees.expect_each_once(w.published);
    EXPECT_EQ(rejections, 3) << "once an attempt: it is not done";
    EXPECT_EQ(w.end(*loop), loop_end::clean);
    const auto dead = w.dead_letters();
    ASSERT_EQ(dead.size(), 1u);
    EXPECT_EQ(dead[0].its_headers.find(wire::dlq_message), "bad");
}

TEST(fan_out, waits_for_what_a_handler_published_that_is_not_called_again) {
    publishing_world w(4);
    std::map<std::string, int> first, second;
    w.publish(10, 1);
    w.cluster.script().delay_sends(10s);
    auto loop = join_all(w,
                         to_all(
                             [&](const keyed& e, context& ctx) {
                                 ++first[e.key];
                                 ctx.publish(echoed{e.key, e.n});
                             },
                             [&](const keyed& e) {
                                 if (++second[e.key] < 3) throw std::runtime_error("not yet");
                             }),
                         {.failure = {.retry = {.first = 100ms, .limit = 5}}});
    w.sim.run_for(5s);
    for (const auto& [key, times] : second)
        EXPECT_EQ(times, 3) << key << " has got its work done";
    for (int p = 0; p < 4; ++p)
        EXPECT_EQ(w.committed(p), 0);
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    EXPECT_EQ(w.end(*loop), loop_end::clean);
    for (const auto& [key, times] : first)
        EXPECT_EQ(times, 1) << key;
    w.expect_echoes();
}

TEST(fan_out, calls_all_again_when_what_one_published_fails_and_its_ids_tell_them_apart) {
    publishing_world w(5, 1);
    int second = 0;
    w.publish(1, 1);
    w.cluster.script().delay_sends(1s);
    w.cluster.script().fail_sends(1, error(errc::not_persisted));
    auto loop = join_all(w,
                         to_all(echo(),
                                [&](const keyed& e, context& ctx) {
                                    if (++second == 1) throw std::runtime_error("not yet");
                                    ctx.publish(echoed{e.key, e.n});
                                }),
                         {.failure = {.retry = {.first = 100ms, .limit = 5}}});
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    EXPECT_EQ(w.end(*loop), loop_end::clean);
    std::multiset<std::string> ids;
    for (const auto& each : w.echoes())
        ids.emplace(each.its_headers.find(wire::idempotency_key).value_or(""));
    EXPECT_EQ(ids.count("test.keyed.made-0-0/1.1"), 1u) << "the first attempt's was lost";
    EXPECT_EQ(ids.count("test.keyed.made-0-0/2.1"), 2u) << "acknowledged, and published again";
    EXPECT_EQ(ids.size(), 3u);
}

TEST(fan_out, may_be_all_blocking) {
    group_world w(3);
    witness first, second;
    blocking_pool pool(w.sim, 2);
    auto functions = to_all(blocking([&](const keyed& e) { first.finished(e); }),
                            blocking([&](const keyed& e) { second.finished(e); }));
    subscription with;
    with.handle = std::make_unique<pooled_handler>(
        [&]<class... F>(all_functions<F...> given) {
            return std::make_unique<fan_out_handler<keyed, F...>>(std::move(given));
        }(std::move(functions)),
        pool);
    auto loop = w.join_with(std::move(with));
    w.publish(20, 10);
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    first.expect_each_once(w.published);
    second.expect_each_once(w.published);
    EXPECT_EQ(w.end(*loop), loop_end::clean);
}

/// Three handlers that wait and fail at random, rebalances and restarts in the middle.
class fan_out_histories : public testing::TestWithParam<int> {
public:
    fan_out_histories() : seed(static_cast<std::uint64_t>(GetParam())), random(seed), w(seed, 3) {
        if (seed % 3 > 0) w.workers = std::make_unique<worker_pool>(w.sim, seed % 3 + 1);
    }

    void work(std::size_t which, const received<keyed>& e) {
        if (random.below(6) == 0) throw std::runtime_error("flaky");
        done_by[which].insert({e.partition().value, e.offset().value});
        order_of[which][e->key].push_back(e->n);
    }
    auto plain(std::size_t which) {
        return [this, which](const received<keyed>& e) { work(which, e); };
    }
    auto waiting() {
        return [this](const received<keyed>& e, context& ctx) -> task<void> {
            if (random.below(3) == 0) co_await ctx.sleep(std::chrono::milliseconds(random.below(60)));
            work(2, e);
        };
    }
    std::unique_ptr<group_loop> join() {
        subscription with{.concurrency = 1 + random.below(20),
                          .failure = {.retry = {.first = 10ms, .limit = 1'000'000, .cap = 100ms}}};
        group_settings settings{.rebalance_drain = std::chrono::milliseconds(random.below(300))};
        return seed % 2 == 0 ? join_all(w, to_all(plain(0), plain(1), plain(2)), std::move(with), settings)
                             : join_all(w, to_all(plain(0), plain(1), waiting()), std::move(with), settings);
    }
    void expect_committed_is_done_by_all() {
        for (std::int32_t p = 0; p < 3; ++p)
            for (std::int64_t at = 0, all = w.committed(p); at < all; ++at)
                for (const auto& each : done_by)
                    EXPECT_TRUE(each.contains({p, at})) << "partition " << p << ", offset " << at;
    }
    void expect_all_in_order() {
        for (const auto& of : order_of)
            for (const auto& [key, n] : w.published) {
                int next = 0;
                for (const int one : of.at(key)) {
                    EXPECT_LE(one, next) << key << " overtook";
                    next = one + 1;
                }
                EXPECT_EQ(next, n) << key;
            }
    }

    std::uint64_t seed;
    prng random;
    group_world w;
    std::array<std::set<std::pair<std::int32_t, std::int64_t>>, 3> done_by;
    std::array<std::map<std::string, std::vector<int>>, 3> order_of;
};

TEST_P(fan_out_histories, lose_nothing_keep_each_handlers_order_and_commit_only_what_all_have_done) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    w.publish(9, 40);
    auto loop = join();
    for (int i = 0; i < 40; ++i) {
        if (random.below(6) == 0) w.cluster.script().rebalance("group");
        if (random.below(8) == 0) {
            w.end(*loop, std::chrono::milliseconds(random.below(200)), 50ms);
            loop = join();
        }
        w.sim.run_for(std::chrono::milliseconds(random.below(100)));
        expect_committed_is_done_by_all();
    }
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1h));
    EXPECT_EQ(w.end(*loop), loop_end::clean);
    expect_all_in_order();
}

INSTANTIATE_TEST_SUITE_P(seeds, fan_out_histories, testing::Range(1, 61));

} // namespace
} // namespace corvid::consume_test
