// SPDX-License-Identifier: Apache-2.0
//
// Handlers on workers, in virtual time: where each runs, and that no move between workers and loop, no
// rebalance and no failure costs a record or the order of its key.
#include <corvid/consume/detail/group_world_test.hpp>

namespace sample {
struct reply {
    int n = 0;
};
CORVID_MESSAGE(reply, (n), .topic = "test.reply.made");
} // namespace sample

namespace corvid::consume_test {
namespace {

struct worker_world : group_world {
    explicit worker_world(std::uint64_t seed, std::size_t threads = 3, std::int32_t partition_count = 4)
        : group_world(seed, partition_count) {
        workers = std::make_unique<worker_pool>(sim, threads);
    }
    bool is_worker(const scheduler* where) {
        for (std::size_t i = 0; i < workers->size(); ++i)
            if (&(*workers)[i].loop() == where) return true;
        return false;
    }
};

TEST(workers, a_cheap_plain_handler_begins_on_workers_and_moves_to_the_loop) {
    worker_world w(1);
    witness sees;
    std::map<scheduler*, int> on;
    auto loop = w.join([&](const keyed& e) {
        ++on[scheduler::current()];
        sees.finished(e);
    });
    w.publish(100, 50);
    w.sim.run_for(1s);
    w.publish(100, 50);
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    sees.expect_each_once(w.published);
    EXPECT_GE(on[&loop->loop()], 5'000) << "it moved";
    int away = 0;
    for (const auto& [where, n] : on)
        if (w.is_worker(where)) away += n;
    EXPECT_GE(away, 1'000);
    EXPECT_EQ(on.size(), 4u) << "three workers, and the loop";
    EXPECT_EQ(w.end(*loop), loop_end::clean);
}

TEST(workers, a_slow_plain_handler_stays_on_them_a_key_always_on_the_same) {
    worker_world w(2);
    witness sees;
    std::map<std::string, std::set<scheduler*>> of_key;
    std::set<scheduler*> all;
    auto loop = w.join([&](const keyed& e) {
        of_key[e.key].insert(scheduler::current());
        all.insert(scheduler::current());
        w.sim.advance(10us);
        sees.finished(e);
    });
    w.publish(100, 30);
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    sees.expect_each_once(w.published);
    for (const auto& [key, where] : of_key)
        EXPECT_EQ(where.size(), 1u) << key;
    EXPECT_EQ(all.size(), 3u);
    EXPECT_FALSE(all.contains(&loop->loop()));
    EXPECT_EQ(w.end(*loop), loop_end::clean);
}

TEST(workers, one_slow_run_sends_a_plain_handler_back_to_them) {
    worker_world w(3);
    witness sees;
    bool slow = false;
    scheduler* last = nullptr;
    auto loop = w.join([&](const keyed& e) {
        last = scheduler::current();
        if (slow) w.sim.advance(3ms);
        sees.finished(e);
    });
    w.publish(50, 50);
    w.sim.run_for(5s);
    EXPECT_EQ(last, &loop->loop());
    slow = true;
    w.publish(50, 20);
    w.sim.run_for(1min);
    EXPECT_TRUE(w.is_worker(last));
    slow = false;
    w.publish(50, 50);
    w.sim.run_for(1s);
    w.publish(50, 10);
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    EXPECT_EQ(last, &loop->loop()) << "and it comes to the loop again";
    sees.expect_each_once(w.published);
    EXPECT_EQ(w.end(*loop), loop_end::clean);
}

TEST(workers, a_coroutine_stays_on_its_lanes_worker_whoever_completes_what_it_awaits) {
    worker_world w(4);
    witness sees;
    std::map<std::string, std::set<scheduler*>> of_key;
    std::set<scheduler*> all;
    w.make_topic(topic_name("test.reply.made"));
    auto handler = [&](const keyed& e, context& ctx) -> task<void> {
        sees.began(e.key);
        of_key[e.key].insert(scheduler::current());
        co_await ctx.sleep(1ms);
        of_key[e.key].insert(scheduler::current());
        const sample::reply answer{e.n};
        EXPECT_TRUE((co_await message_producer(*w.out).send(answer)).has_value());
        of_key[e.key].insert(scheduler::current());
        all.insert(scheduler::current());
        sees.left(e.key);
        sees.finished(e);
    };
    auto loop = w.join(handler, {.concurrency = 64});
    w.publish(100, 10);
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    sees.expect_each_once(w.published);
    for (const auto& [key, where] : of_key)
        EXPECT_EQ(where.size(), 1u) << key;
    EXPECT_EQ(all.size(), 3u);
    EXPECT_FALSE(all.contains(&loop->loop()));
    EXPECT_EQ(w.end(*loop), loop_end::clean);
}

TEST(workers, by_partition_a_partition_stays_on_its_worker_and_all_workers_have_some) {
    worker_world w(5, 4);
    witness sees;
    std::map<std::int32_t, std::set<scheduler*>> of_partition;
    std::set<scheduler*> all;
    auto loop = w.join(
        [&](const received<keyed>& e) {
            of_partition[e.partition().value].insert(scheduler::current());
            all.insert(scheduler::current());
            w.sim.advance(10us);
            sees.finished(*e);
        },
        {.order = by_partition});
    w.publish(100, 30);
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    sees.expect_each_once(w.published);
    for (const auto& [p, where] : of_partition)
        EXPECT_EQ(where.size(), 1u) << p;
    EXPECT_EQ(all.size(), 4u);
    EXPECT_EQ(w.end(*loop), loop_end::clean);
}

TEST(workers, unordered_records_spread_over_all_workers_and_one_that_fails_takes_no_other_with_it) {
    worker_world w(6, 4, 1);
    std::multiset<int> seen;
    std::map<scheduler*, int> on;
    std::map<int, int> tries;
    auto loop = w.join(
        [&](const keyed& e) {
            ++on[scheduler::current()];
            w.sim.advance(10us);
            if (e.n % 10 == 3 && ++tries[e.n] < 3) throw std::runtime_error("not yet");
            seen.insert(e.n);
        },
        {.order = unordered, .failure = {.retry = {.first = 1s, .limit = 5}}});
    w.publish(1, 2'000);
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    EXPECT_EQ(seen.size(), 2'000u);
    EXPECT_EQ(std::set<int>(seen.begin(), seen.end()).size(), 2'000u) << "each once";
    EXPECT_EQ(on.size(), 4u);
    for (const auto& [where, n] : on)
        EXPECT_GT(n, 200);
    EXPECT_EQ(w.end(*loop), loop_end::clean);
}

TEST(workers, a_stop_waits_for_what_is_with_them_and_commits_it) {
    for (int i = 0; i < 30; ++i) {
        worker_world w(100 + static_cast<std::uint64_t>(i));
        witness sees;
        const auto handler = [&](const keyed& e) {
            w.sim.advance(20us);
            sees.finished(e);
        };
        w.publish(100, 30);
        auto loop = w.join(handler);
        w.sim.run_until([&] { return sees.done.size() > 3 * static_cast<std::size_t>(i); }, 1min);
        EXPECT_EQ(w.end(*loop), loop_end::clean);
        loop = w.join(handler);
        EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
        sees.expect_each_once(w.published);
        w.end(*loop);
    }
}

// --- random histories -------------------------------------------------------------------------------------

/// A handler whose cost changes as it likes, so that it moves to and fro, in a group that is disturbed.
class worker_histories : public testing::TestWithParam<int> {
public:
    worker_histories()
        : draws(seed()), w(seed(), 1 + seed() % 4, 3), coroutine(seed() % 3 == 0), how(order_of(seed())) {
        for (int p = 0; p < 3; ++p)
            finished[p].resize(10'000);
    }
    static std::uint64_t seed() { return static_cast<std::uint64_t>(GetParam()); }
    static order order_of(std::uint64_t draw) {
        return draw % 7 == 0 ? unordered : draw % 5 == 0 ? by_partition : by_key;
    }
    std::uint64_t random(std::uint64_t below) { return draws.below(below); }

    void begins(const received<keyed>& e) {
        if (how != unordered) {
            EXPECT_LE(e->n, next[e->key]) << e->key << " overtook itself";
        }
    }
    void ends(const received<keyed>& e) {
        next[e->key] = std::max(next[e->key], e->n + 1);
        finished[e.partition().value][static_cast<std::size_t>(e.offset().value)] = true;
    }
    outcome judge(const received<keyed>& e, int attempt) {
        if (e->n % 97 == 5 && attempt < 2) return retry("flaky");
        ends(e);
        return done;
    }
    auto plain() {
        return [this](const received<keyed>& e, context& ctx) -> outcome {
            begins(e);
            w.sim.advance(cost);
            return judge(e, ctx.attempt());
        };
    }
    auto awaiting() {
        return [this](const received<keyed>& e, context& ctx) -> task<outcome> {
            const std::string lane = std::to_string(generation) + e->key;
            if (how == by_key) {
                EXPECT_TRUE(running.insert(lane).second) << lane << " runs beside itself";
            }
            const scheduler* const mine = scheduler::current();
            EXPECT_TRUE(w.is_worker(mine));
            begins(e);
            if (e->n % 5 == 0) co_await ctx.sleep(1us * (e->n % 40));
            EXPECT_EQ(scheduler::current(), mine);
            running.erase(lane);
            co_return judge(e, ctx.attempt());
        };
    }
    void join() {
        subscription with{.order = how,
                          .concurrency = 1 + random(64),
                          .failure = {.retry = {.first = 20ms, .limit = 5}},
                          .intake = {.runnable_records = 300 + random(4'000)}};
        const group_settings settings{.source = {.client_id = "m", .session_timeout = 6s},
                                      .rebalance_drain = std::chrono::milliseconds(random(2'000)),
                                      .seed = seed()};
        ++generation;
        loop = coroutine ? w.join(awaiting(), std::move(with), settings)
                         : w.join(plain(), std::move(with), settings);
    }
    void something_happens() {
        cost = duration(random(2) == 0 ? 0 : random(3) == 0 ? 1'500'000 : random(20'000));
        switch (random(6)) {
        case 0:
            return w.cluster.script().rebalance("group");
        case 1:
            return w.cluster.script().lose_assignment("group", "m");
        case 2:
            return w.cluster.script().fail_commits(1, error(errc::timed_out));
        case 3:
            EXPECT_NE(w.end(*loop), loop_end::failed);
            return join();
        default:
            return;
        }
    }
    void expect_nothing_committed_too_far() {
        for (std::int32_t p = 0; p < 3; ++p)
            for (std::int64_t o = 0, all = w.committed(p); o < all; ++o)
                ASSERT_TRUE(finished[p][static_cast<std::size_t>(o)])
                    << "committed past offset " << o << " of partition " << p;
    }

    prng draws;
    worker_world w;
    bool coroutine;
    order how;
    duration cost{};
    int generation = 0;
    std::unique_ptr<group_loop> loop;
    std::map<std::string, int> next;
    std::map<std::int32_t, std::vector<bool>> finished;
    std::set<std::string> running;
};

TEST_P(worker_histories, lose_nothing_keep_the_order_of_each_key_and_commit_only_what_is_done) {
    SCOPED_TRACE("seed " + std::to_string(GetParam()));
    join();
    for (int round = 0; round < 12; ++round) {
        w.publish(1 + static_cast<int>(random(40)), 1 + static_cast<int>(random(40)));
        something_happens();
        w.sim.run_for(std::chrono::microseconds(random(20'000)));
        expect_nothing_committed_too_far();
    }
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1h)) << "it does not come to an end";
    expect_nothing_committed_too_far();
    for (const auto& [key, n] : w.published)
        EXPECT_EQ(next[key], n) << key;
    EXPECT_EQ(w.end(*loop), loop_end::clean);
}

INSTANTIATE_TEST_SUITE_P(seeds, worker_histories, testing::Range(1, 121));

} // namespace
} // namespace corvid::consume_test
