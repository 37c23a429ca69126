// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/random.hpp>
#include <corvid/base/simulation.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <stdexcept>
#include <string>
#include <vector>

namespace corvid {
namespace {

using namespace std::chrono_literals;

// A node that calls a function; as a timer or as plain work.
struct task_node : timer {
    explicit task_node(std::function<void()> f = [] {})
        : timer([](work& self) noexcept { static_cast<task_node&>(self).call(); }), call(std::move(f)) {}
    std::function<void()> call;
};

using trace = std::vector<std::string>;

// Three loops that post to one another and set timers, as the seed says; the trace tells who ran when.
struct world {
    explicit world(std::uint64_t seed) : sim(seed), random(seed ^ 0xabcU) {
        for (int i = 0; i < 3; ++i)
            loops.push_back(
                sim.run_thread("loop" + std::to_string(i), [this, i](scheduler& loop) { act(loop, i, 0); }));
    }

    void act(scheduler& loop, int number, int depth) {
        EXPECT_EQ(scheduler::current(), &loop);
        ran.push_back(std::to_string(number) + "@" +
                      std::to_string(loop.steady_now().time_since_epoch().count()));
        if (depth == 6) return;
        const auto target = random.below(loops.size());
        scheduler& other = loops[target]->loop();
        nodes.emplace_back(
            [this, &other, target, depth] { act(other, static_cast<int>(target), depth + 1); });
        other.post(nodes.back());
        nodes.emplace_back([this, &loop, number, depth] { act(loop, number, depth + 1); });
        loop.at(loop.steady_now() + duration(random.below(3)), nodes.back());
    }

    simulation sim;
    prng random;
    std::vector<std::unique_ptr<loop_thread>> loops;
    std::deque<task_node> nodes;
    trace ran;
};

TEST(simulation, the_same_seed_gives_the_same_trace_and_fingerprint) {
    std::vector<trace> traces;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        world first(seed), second(seed);
        EXPECT_TRUE(first.sim.run_until_idle());
        while (second.sim.step()) {}
        EXPECT_EQ(first.ran, second.ran) << "seed " << seed;
        EXPECT_EQ(first.sim.fingerprint(), second.sim.fingerprint()) << "seed " << seed;
        EXPECT_EQ(first.ran.size(), 3U * 127U) << "seed " << seed;
        traces.push_back(first.ran);
    }
    std::ranges::sort(traces);
    EXPECT_EQ(std::ranges::unique(traces).size(), 0U) << "seeds must differ in their order";
}

TEST(simulation, nodes_of_one_loop_run_in_the_order_of_posting_and_all_loops_have_their_turns) {
    bool mixed = false;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        simulation sim(seed);
        auto other = sim.run_thread("other", [](scheduler&) {});
        std::vector<int> ran;
        std::deque<task_node> nodes;
        work_list for_main, for_other;
        for (int i = 0; i < 100; ++i) {
            nodes.emplace_back([&ran, i] { ran.push_back(i); });
            (i % 2 ? for_main : for_other).push(nodes.back());
        }
        sim.post(std::move(for_main));
        other->loop().post(std::move(for_other));
        EXPECT_EQ(sim.run_ready(), 101U);
        std::vector<int> odd, even;
        for (const int i : ran)
            (i % 2 ? odd : even).push_back(i);
        EXPECT_TRUE(std::ranges::is_sorted(odd)) << "seed " << seed;
        EXPECT_TRUE(std::ranges::is_sorted(even)) << "seed " << seed;
        EXPECT_EQ(odd.size() + even.size(), 100U);
        mixed = mixed || !std::ranges::is_sorted(ran);
    }
    EXPECT_TRUE(mixed);
}

TEST(simulation, time_moves_only_when_nothing_is_ready) {
    simulation sim(1);
    const steady_time start = sim.steady_now();
    int posts_before_the_timer = 0;
    bool timer_ran = false;
    task_node late([&] { timer_ran = true; });
    sim.at(start + 1s, late);
    task_node again;
    again.call = [&] {
        EXPECT_FALSE(timer_ran);
        EXPECT_EQ(sim.steady_now(), start);
        if (++posts_before_the_timer < 50) sim.post(again);
    };
    sim.post(again);
    EXPECT_EQ(sim.run_ready(), 50U);
    EXPECT_EQ(sim.steady_now(), start);
    EXPECT_TRUE(sim.run_until_idle());
    EXPECT_TRUE(timer_ran);
    EXPECT_EQ(sim.steady_now(), start + 1s);
    EXPECT_FALSE(sim.step());
}

TEST(simulation, the_wall_clock_goes_with_the_virtual_time_from_the_given_date) {
    const wall_time date = std::chrono::sys_days{std::chrono::year{2013} / 7 / 4};
    simulation sim(1, {.wall_start = date});
    EXPECT_EQ(sim.wall_now(), date);
    sim.run_for(90s);
    EXPECT_EQ(sim.wall_now(), date + 90s);
    sim.advance(1500us);
    EXPECT_EQ(sim.wall_now(), date + 90s + 1ms);
}

TEST(simulation, run_for_ends_at_its_end_and_leaves_later_timers_pending) {
    simulation sim(1);
    const steady_time start = sim.steady_now();
    int ran = 0;
    task_node at_end([&] { ++ran; }), after([&] { ++ran; });
    sim.at(start + 10ms, at_end);
    sim.at(start + 10ms + 1ns, after);
    sim.run_for(10ms);
    EXPECT_EQ(ran, 1);
    EXPECT_EQ(sim.steady_now(), start + 10ms);
    EXPECT_TRUE(after.pending());
    sim.run_for(duration::max());
    EXPECT_EQ(ran, 2);
}

TEST(simulation, run_until_stops_at_the_predicate_the_limit_or_when_nothing_can_happen) {
    simulation sim(1);
    int ticks = 0;
    task_node tick;
    tick.call = [&] {
        ++ticks;
        sim.at(sim.steady_now() + 1s, tick);
    };
    sim.post(tick);
    EXPECT_TRUE(sim.run_until([&] { return ticks == 5; }));
    EXPECT_EQ(ticks, 5);
    EXPECT_FALSE(sim.run_until([&] { return ticks == 1000; }, 10s));
    EXPECT_FALSE(sim.run_until_idle(10s));
    EXPECT_TRUE(sim.cancel(tick));
    EXPECT_FALSE(sim.run_until([] { return false; }));
    EXPECT_TRUE(sim.run_until_idle());
}

TEST(simulation, a_cancelled_timer_does_not_run_even_when_it_was_due) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        simulation sim(seed);
        bool cancelled = false, ran = false;
        task_node victim([&] { ran = true; });
        task_node canceller([&] { cancelled = sim.cancel(victim); });
        sim.at(sim.steady_now(), victim);
        sim.post(canceller);
        sim.run_until_idle();
        EXPECT_NE(cancelled, ran) << "seed " << seed;
        EXPECT_FALSE(victim.pending());
    }
}

TEST(simulation, wait_runs_the_loops_until_the_signal_is_set) {
    simulation sim(1);
    signal done;
    task_node setter([&] { done.set(); });
    auto other = sim.run_thread("other", [&](scheduler& loop) { loop.at(loop.steady_now() + 5s, setter); });
    const steady_time start = sim.steady_now();
    EXPECT_FALSE(sim.wait(done, start + 4s));
    EXPECT_EQ(sim.steady_now(), start + 4s);
    EXPECT_TRUE(other->loop().wait(done, std::nullopt));
    EXPECT_EQ(sim.steady_now(), start + 5s);
}

TEST(simulation, wait_reports_a_deadlock_and_a_deadline_that_passed) {
    simulation sim(1);
    signal never;
    EXPECT_FALSE(sim.wait(never, std::nullopt));
    const steady_time deadline = sim.steady_now() + 1min;
    EXPECT_FALSE(sim.wait(never, deadline));
    EXPECT_EQ(sim.steady_now(), deadline);
}

TEST(simulation, waiting_stepping_or_watching_from_a_node_is_refused) {
    simulation sim(1);
    signal done;
    int refused = 0;
    const auto refuses = [&](auto call) {
        try {
            call();
        } catch (const std::logic_error&) {
            ++refused;
        }
    };
    task_node node([&] {
        refuses([&] { sim.wait(done, std::nullopt); });
        refuses([&] { sim.step(); });
        refuses([&] { sim.run_for(1s); });
    });
    sim.post(node);
    sim.run_ready();
    watcher fd(0, [](work&) noexcept {});
    refuses([&] { sim.watch(fd); });
    refuses([&] { sim.when_writable(fd, fd); });
    EXPECT_EQ(refused, 5);
    EXPECT_EQ(scheduler::current(), nullptr);
}

TEST(simulation, a_stopped_loop_lets_its_nodes_go_and_the_others_go_on) {
    simulation sim(1);
    int ran = 0;
    auto doomed = std::make_unique<task_node>([&] { ++ran; });
    auto doomed_timer = std::make_unique<task_node>([&] { ++ran; });
    auto other = sim.run_thread("other", [](scheduler&) {});
    sim.run_ready();
    scheduler& loop = other->loop();
    loop.post(*doomed);
    loop.at(sim.steady_now(), *doomed_timer);
    loop.stop();
    EXPECT_FALSE(doomed_timer->pending());
    doomed.reset();
    doomed_timer.reset();
    task_node late([&] { ++ran; }), main_node([&] { ran += 10; });
    loop.post(late);
    loop.at(sim.steady_now(), late);
    EXPECT_FALSE(late.pending());
    sim.post(main_node);
    sim.run_until_idle();
    EXPECT_EQ(ran, 10);
}

TEST(simulation, a_loop_may_be_destroyed_by_a_node_of_another_and_may_outlive_the_simulation) {
    int ran = 0;
    std::unique_ptr<loop_thread> survivor;
    task_node queued([&] { ++ran; });
    {
        simulation sim(1);
        auto victim = sim.run_thread("victim", [](scheduler&) {});
        survivor = sim.run_thread("survivor", [](scheduler&) {});
        sim.run_ready();
        task_node killer([&] {
            victim->loop().post(queued);
            victim.reset();
        });
        sim.post(killer);
        sim.run_until_idle();
        survivor->loop().post(queued);
    }
    survivor.reset();
    EXPECT_EQ(ran, 0);
}

TEST(simulation, nodes_that_run_without_end_while_time_stands_are_reported_with_the_seed) {
    simulation sim(4711, {.steps_at_one_instant = 1000});
    task_node spin;
    spin.call = [&] { sim.post(spin); };
    sim.post(spin);
    try {
        sim.run_for(1s);
        FAIL() << "the livelock was not seen";
    } catch (const std::runtime_error& e) {
        EXPECT_NE(std::string(e.what()).find("4711"), std::string::npos);
    }
}

TEST(simulation, the_time_a_node_takes_delays_timers_of_every_loop) {
    simulation sim(1);
    const steady_time start = sim.steady_now();
    steady_time ran_at{};
    task_node node([&] { ran_at = sim.steady_now(); });
    auto other = sim.run_thread("other", [&](scheduler& loop) { loop.at(start + 1ms, node); });
    sim.run_ready();
    task_node busy([&] { sim.advance(20ms); });
    sim.post(busy);
    sim.run_until_idle();
    EXPECT_EQ(ran_at, start + 20ms);
}

} // namespace
} // namespace corvid
