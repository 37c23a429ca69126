// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/random.hpp>
#include <corvid/base/scheduler.hpp>
#include <corvid/base/stop.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <latch>
#include <list>
#include <memory>
#include <thread>
#include <vector>

namespace corvid {
namespace {

struct on_stop : stop_callback {
    explicit on_stop(std::function<void(stop_reason)> f)
        : stop_callback([](stop_callback& self, stop_reason why) noexcept {
              const auto copied =
                  static_cast<on_stop&>(self).call; // a copy: the function may destroy its object
              copied(why);
          }),
          call(std::move(f)) {}
    on_stop(const stop_token& token, std::function<void(stop_reason)> f) : on_stop(std::move(f)) {
        attach(token);
    }
    std::function<void(stop_reason)> call;
};

TEST(stop, the_first_reason_stands_and_every_token_sees_it) {
    for (const stop_reason first : {stop_reason::deadline, stop_reason::revoked, stop_reason::shutdown}) {
        const stop_source source;
        const stop_token before = source.token();
        EXPECT_FALSE(before.stop_requested());
        EXPECT_EQ(before.reason(), std::nullopt);
        EXPECT_TRUE(source.request(first));
        EXPECT_FALSE(source.request(stop_reason::shutdown));
        EXPECT_EQ(before.reason(), first);
        EXPECT_EQ(source.token(), before);
        EXPECT_TRUE(source.stop_requested());
    }
}

TEST(stop, a_default_token_is_never_asked_to_stop) {
    const stop_token none;
    EXPECT_FALSE(none.stop_requested());
    on_stop callback(none, [](stop_reason) { FAIL(); });
    EXPECT_FALSE(callback.attached());
}

TEST(stop, a_token_outlives_its_source) {
    stop_token token;
    {
        const stop_source source;
        token = source.token();
        source.request(stop_reason::revoked);
    }
    EXPECT_EQ(token.reason(), stop_reason::revoked);
}

TEST(stop, a_callback_runs_once_with_the_reason_and_on_the_requesting_thread) {
    const stop_source source;
    std::vector<stop_reason> seen;
    std::thread::id ran_on;
    on_stop callback(source.token(), [&](stop_reason why) {
        seen.push_back(why);
        ran_on = std::this_thread::get_id();
    });
    std::thread requester([&] {
        EXPECT_TRUE(source.request(stop_reason::revoked));
        EXPECT_FALSE(source.request(stop_reason::deadline));
        EXPECT_EQ(ran_on, std::this_thread::get_id());
    });
    requester.join();
    EXPECT_EQ(seen, std::vector{stop_reason::revoked});
}

TEST(stop, a_callback_attached_after_the_request_runs_at_once) {
    const stop_source source;
    source.request(stop_reason::deadline);
    int runs = 0;
    const on_stop callback(source.token(),
                           [&](stop_reason why) { runs += why == stop_reason::deadline ? 1 : 100; });
    EXPECT_EQ(runs, 1);
}

TEST(stop, a_detached_callback_does_not_run_and_may_be_attached_elsewhere) {
    const stop_source first, second;
    int runs = 0;
    on_stop callback(first.token(), [&](stop_reason) { ++runs; });
    callback.detach();
    callback.detach();
    first.request(stop_reason::shutdown);
    EXPECT_EQ(runs, 0);
    callback.attach(second.token());
    second.request(stop_reason::shutdown);
    EXPECT_EQ(runs, 1);
}

TEST(stop, any_callback_of_a_list_may_be_detached_by_another_or_destroy_itself) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        prng random(seed);
        const stop_source source;
        std::vector<std::unique_ptr<on_stop>> callbacks(10);
        std::vector<int> runs(callbacks.size());
        for (std::size_t i = 0; i < callbacks.size(); ++i) {
            const std::size_t victim = random.below(callbacks.size());
            callbacks[i] = std::make_unique<on_stop>(source.token(), [&, i, victim](stop_reason) {
                ++runs[i];
                callbacks[victim].reset();
            });
        }
        callbacks[random.below(callbacks.size())].reset();
        source.request(stop_reason::revoked);
        for (const int each : runs)
            EXPECT_LE(each, 1);
        for (std::size_t i = 0; i < callbacks.size(); ++i)
            EXPECT_TRUE(!callbacks[i] || runs[i] == 1) << i;
    }
}

TEST(stop, a_callback_may_destroy_the_source_that_calls_it) {
    auto source = std::make_unique<stop_source>();
    const stop_token token = source->token();
    bool second_ran = false;
    const on_stop other(token, [&](stop_reason) { second_ran = true; });
    const on_stop destroyer(token, [&](stop_reason) { source.reset(); });
    EXPECT_TRUE(source->request(stop_reason::shutdown));
    EXPECT_EQ(source, nullptr);
    EXPECT_TRUE(second_ran);
}

TEST(stop, detach_waits_for_a_function_that_runs_on_another_thread) {
    const stop_source source;
    std::latch entered(1);
    signal go_on;
    bool finished = false; // plain: detach() must order it
    on_stop callback(source.token(), [&](stop_reason) {
        entered.count_down();
        go_on.wait_until(steady_time::max());
        finished = true;
    });
    std::thread requester([&] { source.request(stop_reason::revoked); });
    entered.wait();
    std::thread releaser([&] { go_on.set(); });
    callback.detach();
    EXPECT_TRUE(finished);
    requester.join();
    releaser.join();
}

TEST(stop, of_racing_requests_one_wins_and_all_agree_on_the_reason) {
    for (int round = 0; round < 200; ++round) {
        const stop_source source;
        std::atomic<int> wins = 0, runs = 0;
        std::atomic<int> winner = 0;
        const on_stop callback(source.token(), [&](stop_reason why) {
            ++runs;
            winner = static_cast<int>(why);
        });
        {
            std::vector<std::jthread> threads;
            for (const stop_reason why : {stop_reason::deadline, stop_reason::revoked, stop_reason::shutdown})
                threads.emplace_back([&, why] { wins += source.request(why) ? 1 : 0; });
        }
        EXPECT_EQ(wins, 1);
        EXPECT_EQ(runs, 1);
        EXPECT_EQ(static_cast<int>(*source.token().reason()), winner);
    }
}

TEST(stop, attaching_and_detaching_may_race_with_the_request) {
    for (int round = 0; round < 200; ++round) {
        const stop_source source;
        std::latch start(3);
        std::vector<int> ran_after_detach(2);
        {
            std::vector<std::jthread> threads;
            for (std::size_t t = 0; t < 2; ++t)
                threads.emplace_back([&, t] {
                    start.arrive_and_wait();
                    for (int i = 0; i < 50; ++i) {
                        bool detached = false;
                        on_stop callback(source.token(),
                                         [&](stop_reason) { ran_after_detach[t] += detached ? 1 : 0; });
                        callback.detach();
                        detached = true;
                    }
                });
            threads.emplace_back([&] {
                start.arrive_and_wait();
                source.request(stop_reason::shutdown);
            });
        }
        EXPECT_EQ(ran_after_detach, std::vector<int>(2));
    }
}

TEST(signal, set_is_seen_by_waiters_and_a_deadline_ends_the_wait) {
    for (int round = 0; round < 200; ++round) {
        auto done = std::make_unique<signal>();
        EXPECT_FALSE(done->is_set());
        EXPECT_FALSE(done->wait_until(steady_time{}));
        std::thread setter([&] { done->set(); });
        EXPECT_TRUE(done->wait_until(steady_time::max()));
        done.reset(); // whoever saw it set may destroy it at once
        setter.join();
    }
}

} // namespace
} // namespace corvid
