// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/result.hpp>
#include <corvid/base/simulation.hpp>
#include <corvid/base/sleep.hpp>
#include <corvid/base/task_scope.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace corvid {
namespace {

using namespace std::chrono_literals;

task<int> answer() { co_return 42; }

task<std::string> nested(int depth) {
    if (depth == 0) co_return "x";
    std::string below = co_await nested(depth - 1);
    co_return below + "x";
}

task<void> throws() {
    throw std::runtime_error("boom");
    co_return;
}

TEST(task, returns_its_value_through_any_depth) {
    simulation sim{1};
    EXPECT_EQ(wait_for(sim, sim, answer()), 42);
#ifdef __SANITIZE_ADDRESS__
    constexpr int depth = 1'000; // g++ 12 makes no tail calls there: each level takes stack
#else
    constexpr int depth = 10'000;
#endif
    EXPECT_EQ(wait_for(sim, sim, nested(depth)).size(), std::size_t{depth} + 1);
}

TEST(task, does_nothing_until_it_is_awaited) {
    bool ran = false;
    auto make = [](bool& flag) -> task<void> {
        flag = true;
        co_return;
    };
    { auto never = make(ran); }
    EXPECT_FALSE(ran);
}

TEST(task, an_exception_leaves_through_co_await_and_through_wait) {
    simulation sim{1};
    auto catches = []() -> task<std::string> {
        try {
            co_await throws();
        } catch (const std::runtime_error& e) {
            co_return e.what();
        }
        co_return "nothing was thrown";
    };
    EXPECT_EQ(wait_for(sim, sim, catches()), "boom");
    EXPECT_THROW(wait_for(sim, sim, throws()), std::runtime_error);
}

// A foreign awaiter that resumes its coroutine on another loop.
struct hop_to {
    struct node : work {
        node() noexcept : work([](work& w) noexcept { static_cast<node&>(w).waiter.resume(); }) {}
        std::coroutine_handle<> waiter;
    };
    scheduler& elsewhere;
    node resume{};
    explicit hop_to(scheduler& s) : elsewhere(s) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter) noexcept {
        resume.waiter = waiter;
        elsewhere.post(resume);
    }
    scheduler* await_resume() const noexcept { return scheduler::current(); }
};

TEST(task, comes_home_after_every_await_whoever_completed_it) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        SCOPED_TRACE(seed);
        simulation sim{seed};
        auto a = sim.run_thread("a", [](scheduler&) {});
        auto b = sim.run_thread("b", [](scheduler&) {});
        auto body = [](scheduler& home, scheduler& other) -> task<bool> {
            bool always_home = scheduler::current() == &home;
            for (int i = 0; i < 5; ++i) {
                scheduler* resumed_on = co_await hop_to(other);
                always_home = always_home && resumed_on == &other && scheduler::current() == &home;
            }
            co_return always_home;
        };
        EXPECT_TRUE(wait_for(sim, a->loop(), body(a->loop(), b->loop())));
    }
}

TEST(task, sleep_takes_virtual_time_and_no_other) {
    simulation sim{7};
    const auto before = sim.steady_now();
    auto naps = []() -> task<void> {
        co_await corvid::sleep(10min);
        co_await corvid::sleep(0ns);
    };
    wait_for(sim, sim, naps());
    EXPECT_EQ(sim.steady_now() - before, 10min);
}

TEST(task_scope, join_waits_for_every_task_and_gives_the_first_failure) {
    simulation sim{3};
    task_scope scope;
    int done = 0;
    auto one = [](int n, int& count) -> task<void> {
        co_await corvid::sleep(std::chrono::milliseconds(n));
        ++count;
        if (n == 5) throw std::runtime_error("five");
    };
    for (int n = 0; n < 10; ++n)
        scope.spawn(sim, one(n, done));
    EXPECT_EQ(scope.running(), 10u);
    EXPECT_THROW(scope.wait(sim), std::runtime_error);
    EXPECT_EQ(done, 10);
    EXPECT_NO_THROW(scope.wait(sim));
}

// An operation that somebody else completes.
struct open_operation : operation<open_operation, result<int>> {
    explicit open_operation(open_operation*& where) noexcept { where = this; }
    bool start() noexcept { return true; }
    result<int> take() noexcept { return 7; }
    using operation::complete;
};

TEST(operation, the_same_object_serves_a_coroutine_and_a_callback) {
    simulation sim{1};
    open_operation* pending = nullptr;
    int seen = 0;
    start_detached<open_operation>([&](result<int> r) { seen = *r; }, pending);
    EXPECT_EQ(seen, 0);
    pending->complete();
    EXPECT_EQ(seen, 7);

    task_scope scope;
    auto awaits = [](open_operation*& where, int& into) -> task<void> {
        into = (co_await open_operation(where)).value() + 1;
    };
    scope.spawn(sim, awaits(pending, seen));
    sim.run_ready();
    pending->complete();
    EXPECT_EQ(seen, 7) << "it resumes by way of its home loop";
    scope.wait(sim);
    EXPECT_EQ(seen, 8);
}

TEST(frame_pool, never_gives_a_block_out_twice) {
    for (std::size_t size : {1u, 64u, 65u, 2048u, 5000u}) {
        std::vector<void*> blocks;
        for (int round = 0; round < 2; ++round) {
            for (int i = 0; i < 300; ++i) {
                blocks.push_back(detail::pool_allocate(size));
                std::fill_n(static_cast<char*>(blocks.back()), size, 'x');
            }
            std::ranges::sort(blocks);
            EXPECT_EQ(std::ranges::adjacent_find(blocks), blocks.end()) << size;
            for (void* block : blocks)
                detail::pool_free(block, size);
            blocks.clear();
        }
    }
}

} // namespace
} // namespace corvid
