// SPDX-License-Identifier: Apache-2.0
//
// Handlers on real workers: what ThreadSanitizer is to look at, and the order of each key while plain
// handlers move between workers and loop.
#include <corvid/memory/cluster.hpp>
#include <corvid/message/message.hpp>
#include <corvid/service/runtime.hpp>
#include <corvid/service/service.hpp>
#include <corvid/service/threaded_scheduler.hpp>

#include <gtest/gtest.h>
#include <pthread.h>

#include <array>
#include <atomic>
#include <map>
#include <string>
#include <string_view>
#include <thread>

namespace sample {
struct step_made {
    std::string walker;
    int n = 0; ///< counts up within its walker
};
CORVID_MESSAGE(step_made, (walker, n), .topic = "test.step.made", .key = &step_made::walker);
struct step_seen {
    std::string walker;
    int n = 0;
};
CORVID_MESSAGE(step_seen, (walker, n), .topic = "test.step.seen", .key = &step_seen::walker);
} // namespace sample

namespace corvid {
namespace {

using namespace std::chrono_literals;
using sample::step_made;
using sample::step_seen;

constexpr int walkers = 64;

/// Follows every walker without a lock: the engine promises that one's steps come one at a time.
class trail {
public:
    explicit trail(int steps) : each(steps) {}
    void step(const step_made& made) {
        int& next = next_[static_cast<std::size_t>(std::stoi(made.walker))];
        if (made.n != next) ++wrong;
        next = made.n + 1;
        if (++taken == walkers * each) over.set();
    }
    const int each;
    std::atomic<int> taken = 0, wrong = 0;
    signal over;

private:
    std::array<int, walkers> next_{};
};

struct real_world {
    real_world() {
        with.http.listen.clear();
        with.log.output = [](std::string_view) {};
        with.threads.workers = 4;
        EXPECT_TRUE(create_topics(cluster, with.topics, 1s));
    }
    static void publish(service& by, int from, int to) {
        auto out = by.producer();
        for (int n = from; n < to; ++n)
            for (int w = 0; w < walkers; ++w)
                while (!out.post(step_made{std::to_string(w), n})) // out of credit
                    std::this_thread::yield();
    }
    bool ends(trail& of) { return root.wait(of.over, root.steady_now() + 120s); }

    threaded_scheduler root;
    memory::cluster cluster{root};
    settings with{
        .service = "walk",
        .topics = {{.name = "test.step.made", .partitions = 4}, {.name = "test.step.seen", .partitions = 4}}};
};

TEST(handler_threads, plain_functions_on_workers_and_loop_keep_the_order_of_each_key) {
    real_world world;
    constexpr int each = 300;
    trail seen(each);
    std::atomic<int> on_workers = 0, elsewhere = 0;
    std::atomic<bool> slow = false;
    service s(world.with, world.cluster, world.root);
    s.on<step_made>("walk", [&](const step_made& made) {
        if (slow && made.n % 50 == 0) { // long enough to be sent away from the loop
            const auto until = world.root.steady_now() + 2ms;
            while (world.root.steady_now() < until) {}
        }
        std::array<char, 16> name{};
        pthread_getname_np(pthread_self(), name.data(), name.size());
        ++(std::string_view(name.data()).starts_with("corvid-work-") ? on_workers : elsewhere);
        seen.step(made);
    });
    s.start();
    for (int n = 0; n < each; n += 25) {
        slow = n / 100 % 2 == 1;
        real_world::publish(s, n, n + 25);
    }
    EXPECT_TRUE(world.ends(seen)) << seen.taken;
    EXPECT_EQ(seen.wrong, 0);
    EXPECT_GT(on_workers, 0);
    EXPECT_EQ(s.stop(), exit_code::clean);
    EXPECT_EQ(on_workers + elsewhere, walkers * each) << "each once";
}

TEST(handler_threads, coroutines_go_on_on_the_worker_of_their_key) {
    real_world world;
    constexpr int each = 50;
    trail seen(each);
    std::array<std::atomic<scheduler*>, walkers> home{};
    std::atomic<int> strayed = 0;
    service s(world.with, world.cluster, world.root);
    auto at_home = [&](const step_made& made) {
        scheduler* before = nullptr;
        auto& its = home[static_cast<std::size_t>(std::stoi(made.walker))];
        if (!its.compare_exchange_strong(before, scheduler::current()) && before != scheduler::current())
            ++strayed;
    };
    auto out = s.producer();
    s.on<step_made>("walk", [&](const step_made& made, context& ctx) -> task<void> {
        at_home(made);
        if (made.n % 3 == 0) co_await ctx.sleep(1ms);
        at_home(made);
        if (made.n % 5 == 0) static_cast<void>(co_await out.flush());
        at_home(made);
        seen.step(made);
    });
    s.start();
    real_world::publish(s, 0, each);
    EXPECT_TRUE(world.ends(seen)) << seen.taken;
    EXPECT_EQ(seen.wrong, 0);
    EXPECT_EQ(strayed, 0);
    EXPECT_EQ(s.stop(), exit_code::clean);
}

TEST(handler_threads, a_handler_of_concurrency_one_needs_no_guard) {
    real_world world;
    constexpr int each = 200;
    trail seen(each);
    std::map<std::string, int> unguarded;
    service s(world.with, world.cluster, world.root);
    s.on<step_made>("walk",
                    [&](const step_made& made) {
                        ++unguarded[made.walker];
                        seen.step(made);
                    },
                    {.concurrency = 1});
    s.start();
    real_world::publish(s, 0, each);
    EXPECT_TRUE(world.ends(seen)) << seen.taken;
    EXPECT_EQ(s.stop(), exit_code::clean);
    EXPECT_EQ(unguarded.size(), static_cast<std::size_t>(walkers));
    for (const auto& [walker, n] : unguarded)
        EXPECT_EQ(n, each) << walker;
}

TEST(handler_threads, of_every_shape_keep_the_order_of_each_key_and_publish) {
    real_world world;
    constexpr int each = 60;
    trail batched(each), routed(each), fanned(each);
    std::atomic<int> seen = 0;
    signal all_seen;
    service s(world.with, world.cluster, world.root);
    s.on_batch<step_made>("batch",
                          [&](std::span<const received<step_made>> batch, batch_context& ctx) {
                              for (std::size_t i = 0; i < batch.size(); ++i) {
                                  batched.step(*batch[i]);
                                  ctx.of(i).publish(step_seen{batch[i]->walker, batch[i]->n});
                              }
                          },
                          {.max = 100, .within = 1ms, .concurrency = 3});
    s.route("route", "test.step.made")
        .by([](const record_origin&) { return std::string(message_traits<step_made>::event_type); })
        .on<step_made>([&](const step_made& made, context& ctx) -> task<void> {
            const step_seen mine{made.walker, made.n};
            if (made.n % 3 == 0) co_await ctx.sleep(1ms);
            routed.step(made);
            ctx.publish(mine);
        })
        .otherwise(stop);
    s.fan_out<step_made>("both", to_all([&](const step_made& made) { fanned.step(made); },
                                        [&](const step_made& made, context& ctx) {
                                            ctx.publish(step_seen{made.walker, made.n});
                                        }));
    s.on<step_seen>("seen", [&](const step_seen&) {
        if (++seen == 3 * walkers * each) all_seen.set();
    });
    s.start();
    real_world::publish(s, 0, each);
    for (trail* one : {&batched, &routed, &fanned}) {
        EXPECT_TRUE(world.ends(*one)) << one->taken;
        EXPECT_EQ(one->wrong, 0);
    }
    EXPECT_TRUE(world.root.wait(all_seen, world.root.steady_now() + 60s)) << seen;
    EXPECT_EQ(s.stop(), exit_code::clean);
    EXPECT_EQ(seen, 3 * walkers * each);
}

TEST(handler_threads, a_stop_in_the_midst_commits_what_ran_and_a_second_service_goes_on_there) {
    real_world world;
    constexpr int each = 100;
    trail seen(each);
    {
        service first(world.with, world.cluster, world.root);
        first.on<step_made>("walk", [&](const step_made& made) { seen.step(made); });
        first.start();
        real_world::publish(first, 0, each);
        EXPECT_EQ(first.stop(), exit_code::clean);
    }
    service second(world.with, world.cluster, world.root);
    second.on<step_made>("walk", [&](const step_made& made) { seen.step(made); });
    second.start();
    EXPECT_TRUE(world.ends(seen)) << seen.taken;
    EXPECT_EQ(seen.wrong, 0);
    EXPECT_EQ(second.stop(), exit_code::clean);
    EXPECT_EQ(seen.taken, walkers * each);
}

} // namespace
} // namespace corvid
