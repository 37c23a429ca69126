// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/random.hpp>
#include <corvid/service/detail/asio_access.hpp>
#include <corvid/service/detail/running_loop_test.hpp>
#include <corvid/service/threaded_scheduler.hpp>

#include <boost/asio/post.hpp>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace corvid {
namespace {

using namespace std::chrono_literals;

TEST(threaded_scheduler, start_runs_first_and_on_a_thread_of_the_given_name) {
    threaded_scheduler root;
    signal done;
    std::string name(32, '\0');
    const scheduler* current = nullptr;
    std::thread::id ran_on;
    auto made = root.run_thread("a-name-longer-than-15", [&](scheduler&) {
        pthread_getname_np(pthread_self(), name.data(), name.size());
        current = scheduler::current();
        ran_on = std::this_thread::get_id();
        done.set();
    });
    ASSERT_TRUE(root.wait(done, std::nullopt));
    EXPECT_EQ(name.c_str(), std::string("a-name-longer-t"));
    EXPECT_EQ(current, &made->loop());
    EXPECT_NE(ran_on, std::this_thread::get_id());
    EXPECT_EQ(scheduler::current(), nullptr);
}

TEST(threaded_scheduler, run_runs_the_root_loop_on_the_calling_thread_until_stop) {
    threaded_scheduler root;
    const auto here = std::this_thread::get_id();
    int ran = 0;
    node last([&] { root.stop(); }), late([&] { ran += 100; });
    node first([&] {
        EXPECT_EQ(std::this_thread::get_id(), here);
        EXPECT_EQ(scheduler::current(), &root);
        ++ran;
        root.post(last);
        root.post(late);
    });
    root.post(first);
    root.run();
    EXPECT_EQ(ran, 1);
    EXPECT_EQ(scheduler::current(), nullptr);
}

TEST(threaded_scheduler, nodes_of_every_poster_run_once_and_in_its_order) {
    constexpr std::size_t posters = 4, each = 5000;
    running_loop world;
    std::array<std::vector<std::size_t>, posters> ran;
    std::deque<node> nodes;
    for (std::size_t p = 0; p < posters; ++p)
        for (std::size_t i = 0; i < each; ++i)
            nodes.emplace_back([&ran, p, i] { ran[p].push_back(i); });
    {
        std::vector<std::jthread> threads;
        for (std::size_t p = 0; p < posters; ++p)
            threads.emplace_back([&, p] {
                prng random(p);
                for (std::size_t i = 0; i < each;) {
                    work_list list;
                    for (auto n = random.below(20); n > 0 && i < each; --n, ++i)
                        list.push(nodes[p * each + i]);
                    world.loop().post(std::move(list));
                }
            });
    }
    world.call([] {});
    for (const auto& one : ran) {
        EXPECT_EQ(one.size(), each);
        EXPECT_TRUE(std::ranges::is_sorted(one));
    }
}

TEST(threaded_scheduler, what_the_loop_posts_to_itself_stays_behind_what_others_posted_before) {
    running_loop world;
    std::vector<std::string> ran;
    node local([&] { ran.emplace_back("local"); }), remote([&] { ran.emplace_back("remote"); });
    node poster([&] {
        std::jthread([&] { world.loop().post(remote); }).join();
        world.loop().post(local);
    });
    world.loop().post(poster);
    world.call([] {});
    world.call([] {});
    EXPECT_EQ(ran, (std::vector<std::string>{"remote", "local"}));
}

TEST(threaded_scheduler, loops_that_post_to_one_another_lose_no_wake_up) {
    running_loop a, b;
    signal done;
    int hops = 0;
    node ball;
    ball.call = [&] {
        if (++hops == 20'000)
            done.set();
        else
            (scheduler::current() == &a.loop() ? b : a).loop().post(ball);
    };
    a.loop().post(ball);
    EXPECT_TRUE(a.root.wait(done, std::nullopt));
    EXPECT_EQ(hops, 20'000);
}

class threaded_timers : public testing::TestWithParam<std::uint64_t> {};

TEST_P(threaded_timers, run_in_the_order_of_their_times_never_early_and_not_when_cancelled) {
    SCOPED_TRACE(testing::Message() << "seed " << GetParam());
    running_loop world;
    prng random(GetParam());
    struct one : node {
        bool cancelled = false, early = false;
        int runs = 0, number = 0; // of equal times the one that was added first runs first
    };
    std::deque<one> timers(200);
    std::vector<std::pair<steady_time, int>> ran;
    int added = 0;
    node end;
    signal done;
    world.call([&] {
        scheduler& loop = world.loop();
        const steady_time start = loop.steady_now();
        for (one& each : timers) {
            each.call = [&] {
                ++each.runs;
                each.early = loop.steady_now() < each.due;
                ran.emplace_back(each.due, each.number);
            };
            each.number = added++;
            loop.at(start + 100us * random.below(100), each);
        }
        for (one& each : timers)
            if (random.chance(0.3)) each.cancelled = loop.cancel(each);
        end.call = [&] { done.set(); };
        loop.at(start + 10ms, end);
    });
    ASSERT_TRUE(world.root.wait(done, std::nullopt));
    world.call([] {});
    EXPECT_TRUE(std::ranges::is_sorted(ran));
    for (const one& each : timers) {
        EXPECT_EQ(each.runs, each.cancelled ? 0 : 1);
        EXPECT_FALSE(each.early);
        EXPECT_FALSE(each.pending());
    }
}

INSTANTIATE_TEST_SUITE_P(seeds, threaded_timers, testing::Range<std::uint64_t>(0, 5));

TEST(threaded_scheduler, an_earlier_timer_overtakes_the_alarm_that_is_set) {
    running_loop world;
    signal done;
    node late, soon([&] { done.set(); });
    world.call([&] { world.loop().at(world.loop().steady_now() + 1h, late); });
    world.call([&] { world.loop().at(world.loop().steady_now() + 1ms, soon); });
    EXPECT_TRUE(world.root.wait(done, world.root.steady_now() + 60s));
}

TEST(threaded_scheduler, timers_and_descriptors_have_their_turn_beside_a_node_that_posts_itself_for_ever) {
    running_loop world;
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    signal timer_ran, read_ran;
    node spin, soon([&] { timer_ran.set(); });
    spin.call = [&] { scheduler::current()->post(spin); };
    struct reader : watcher {
        reader(int descriptor, signal& s)
            : watcher(descriptor,
                      [](work& self) noexcept {
                          char byte = 0;
                          if (read(static_cast<reader&>(self).fd, &byte, 1) == 1)
                              static_cast<reader&>(self).done.set();
                      }),
              done(s) {}
        signal& done;
    } readable(ends[0], read_ran);
    world.call([&] {
        world.loop().watch(readable);
        world.loop().at(world.loop().steady_now() + 1ms, soon);
        world.loop().post(spin);
    });
    EXPECT_EQ(write(ends[1], "x", 1), 1);
    EXPECT_TRUE(world.root.wait(timer_ran, world.root.steady_now() + 60s));
    EXPECT_TRUE(world.root.wait(read_ran, world.root.steady_now() + 60s));
    world.thread.reset();
    close(ends[0]);
    close(ends[1]);
}

TEST(threaded_scheduler, a_stopped_loop_lets_its_nodes_go) {
    for (int round = 0; round < 50; ++round) {
        running_loop world;
        auto queued = std::make_unique<node>([] {});
        auto pending = std::make_unique<node>([] { FAIL(); });
        scheduler& loop = world.loop();
        node setup([&] {
            loop.at(loop.steady_now() + 1h, *pending);
            loop.stop();
            loop.post(*queued);
        });
        loop.post(setup);
        world.thread.reset();
        EXPECT_FALSE(pending->pending());
        queued.reset();
        pending.reset();
    }
}

TEST(threaded_scheduler, posting_may_race_with_stopping) {
    for (int round = 0; round < 100; ++round) {
        running_loop world;
        std::deque<node> nodes(50);
        std::jthread poster([&] {
            for (node& each : nodes)
                world.loop().post(each);
        });
        std::jthread stopper([&] { world.loop().stop(); });
        poster.join();
        stopper.join();
        world.thread.reset();
    }
}

TEST(threaded_scheduler, a_loop_that_never_ran_can_be_destroyed_with_nodes_and_timers) {
    node queued, pending;
    {
        threaded_scheduler root;
        root.post(queued);
        root.at(root.steady_now(), pending);
    }
    EXPECT_FALSE(pending.pending());
}

TEST(threaded_scheduler, waiting_on_a_loop_is_refused_and_a_deadline_ends_a_wait) {
    running_loop world;
    signal never;
    world.call([&] { EXPECT_THROW((void)world.root.wait(never, std::nullopt), std::logic_error); });
    EXPECT_FALSE(world.root.wait(never, world.root.steady_now() + 1ms));
}

TEST(threaded_scheduler, what_runs_on_its_io_context_runs_on_the_loop) {
    running_loop world;
    signal done;
    const scheduler* seen = nullptr;
    boost::asio::post(detail::asio_access::context(world.loop()), [&] {
        seen = scheduler::current();
        done.set();
    });
    EXPECT_TRUE(world.root.wait(done, std::nullopt));
    EXPECT_EQ(seen, &world.loop());
}

TEST(threaded_scheduler, the_clocks_are_the_systems) {
    const threaded_scheduler root;
    const steady_time before = root.steady_now();
    EXPECT_LE(before, root.steady_now());
    EXPECT_GT(root.wall_now(), std::chrono::sys_days{std::chrono::year{2024} / 1 / 1});
}

} // namespace
} // namespace corvid
