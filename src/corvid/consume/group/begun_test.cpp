// SPDX-License-Identifier: Apache-2.0
//
// What is with a handler and what waits for a worker or a thread: only the first is slow, stuck, or waited
// for.
#include <corvid/consume/blocking.hpp>
#include <corvid/consume/detail/group_world_test.hpp>

#include <atomic>
#include <thread>

namespace corvid::consume_test {
namespace {

/// One worker, whose queue is long though no call is: 100 ms each.
struct one_worker : group_world {
    explicit one_worker(std::uint64_t seed) : group_world(seed) {
        workers = std::make_unique<worker_pool>(sim, 1);
    }
    auto handler() {
        return [this](const keyed& e) {
            sim.advance(100ms);
            sees.finished(e);
            ++handled;
        };
    }
    /// Of each key all, one behind the other.
    void publish_key_by_key(int keys, int each) {
        for (int k = 0; k < keys; ++k)
            for (int i = 0; i < each; ++i)
                group_world::publish("k" + std::to_string(k));
        flush();
    }
    witness sees;
    int handled = 0;
};

TEST(begun, a_run_that_waits_for_a_worker_is_neither_slow_nor_stuck) {
    one_worker w(1);
    w.publish(100, 20);
    auto loop = w.join(w.handler(), {}, {.source = {.max_poll_interval = 60s}});
    bool was_slow = false, was_away = false;
    EXPECT_TRUE(w.sim.run_until(
        [&] {
            was_slow |= loop->state().findings().find("has been at") != std::string::npos;
            was_away |= !loop->state().away().empty();
            return w.all_committed();
        },
        10min));
    EXPECT_FALSE(was_slow);
    EXPECT_FALSE(was_away);
    w.sees.expect_each_once(w.published);
    EXPECT_EQ(w.end(*loop), loop_end::clean);
}

TEST(begun, what_stands_behind_a_run_that_waits_for_a_worker_can_run_and_fills_the_budget) {
    one_worker w(2);
    int held = 0;
    const auto counting = [&](const record_origin& of) -> std::optional<std::string> {
        ++held;
        return std::string(of.source->key.text());
    };
    w.publish(100, 100);
    auto loop = w.join(w.handler(), {.key = counting, .intake = {.runnable_records = 1'000}});
    w.sim.run_for(30s);
    EXPECT_LE(held, w.handled + 2 * 1'000 + 4 * 256);
    w.end(*loop, 0s, 0s);
}

TEST(begun, a_stop_and_a_revoke_wait_for_what_is_with_a_worker_and_not_for_its_queue) {
    for (const bool stops : {true, false}) {
        one_worker w(3);
        w.publish_key_by_key(500, 2);
        auto loop = w.join(w.handler(), {}, {.source = {.client_id = "one"}, .rebalance_drain = 4min});
        EXPECT_TRUE(w.sim.run_until([&] { return w.handled >= 100; }, 1min));
        const int before = w.handled;
        if (stops) {
            EXPECT_EQ(w.end(*loop, 5min), loop_end::clean);
            EXPECT_LE(w.handled, before + 100) << "256 keys were in the queue";
        }
        auto next = w.join(w.handler(), {}, {.source = {.client_id = "two"}});
        EXPECT_TRUE(w.sim.wait(next->was_assigned(), w.sim.steady_now() + 30s));
        EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 10min));
        w.sees.expect_each_once(w.published);
        w.end(*next);
        if (!stops) w.end(*loop);
    }
}

/// Says of two runs whether they are begun, whenever it is called for one.
struct asking final : handler {
    asking(const run& a, const run& b, std::vector<std::pair<bool, bool>>& into)
        : one(a), two(b), seen(into) {}
    void start(run& records) noexcept override {
        seen.emplace_back(one.is_begun(), two.is_begun());
        while (records.has_next())
            records.complete(done);
        records.end();
    }
    const run &one, &two;
    std::vector<std::pair<bool, bool>>& seen;
};

TEST(begun, a_run_that_waits_for_a_thread_of_the_pool_is_not) {
    simulation sim(4);
    blocking_pool pool(sim, 1);
    run one(sim, nullptr), two(sim, nullptr);
    std::vector<std::pair<bool, bool>> seen;
    pooled_handler handler(std::make_unique<asking>(one, two, seen), pool);
    record what;
    what.offset = 7;
    const record_batch of;
    const run_origin origin{.where = {keyed_topic, partition_id(0)}, .stop = {}};
    for (run* each : {&one, &two}) {
        each->over(std::span(&what, 1), of, origin);
        EXPECT_FALSE(each->start(handler));
        EXPECT_FALSE(each->is_begun());
    }
    two.stop_before(7); // it is not begun: this holds
    sim.run_ready();
    EXPECT_EQ(seen, (std::vector<std::pair<bool, bool>>{{true, false}, {true, true}}));
    EXPECT_TRUE(one.is_finished());
    EXPECT_FALSE(two.is_finished());
}

/// Keeps the first run that it gets: work() is for a thread of the system's, and the test ends it. Does the
/// others at once.
struct on_a_thread final : handler {
    void start(run& records) noexcept override {
        if (!at) {
            at = &records;
            return;
        }
        while (records.has_next())
            records.complete(done);
        records.end();
    }
    void work() {
        for (; at->has_next(); at->complete(done)) {
            last = at->current().offset;
            for (std::atomic<int> spins{0}; spins < 5'000;) // some 30 µs
                ++spins;
        }
    }
    run* at = nullptr;
    std::atomic<std::int64_t> last{-1};
};

// Looking for what is begun takes as long as there are lanes, and the thread goes on meanwhile.
TEST(begun, nothing_is_that_a_stop_did_not_see_while_it_looked) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        group_world w(seed, 1);
        for (int i = 0; i < 256; ++i) {
            w.publish("busy");
            w.publish("between" + std::to_string(i));
        }
        w.publish(10'000, 1);
        auto handle = std::make_unique<on_a_thread>();
        on_a_thread& busy = *handle;
        auto loop = w.join_with(
            {.concurrency = 1, .intake = {.runnable_records = 100'000}, .handle = std::move(handle)});
        w.sim.run_for(500ms);
        ASSERT_TRUE(busy.at);
        loop->stop(20s, 5s);
        std::thread thread([&] { busy.work(); });
        while (busy.last < 0)
            std::this_thread::yield();
        w.sim.run_ready();
        thread.join();
        busy.at->end();
        EXPECT_TRUE(w.sim.wait(loop->ended(), w.sim.steady_now() + 1min));
        EXPECT_EQ(loop->how_it_ended(), loop_end::clean);
        EXPECT_GT(w.committed(0), busy.last) << "it was done";
    }
}

} // namespace
} // namespace corvid::consume_test
