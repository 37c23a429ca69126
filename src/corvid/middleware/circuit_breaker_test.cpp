// SPDX-License-Identifier: Apache-2.0
#include <corvid/middleware/circuit_breaker.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

namespace corvid {
namespace {

using namespace std::chrono_literals;

struct breaker_test : testing::Test {
    std::vector<std::string> lines;
    logger log{{.burst = 0, .output = [this](std::string_view line) { lines.emplace_back(line); }}};
    metrics figures{"test"};

    int lines_with(std::string_view text) const {
        return static_cast<int>(
            std::ranges::count_if(lines, [&](const auto& l) { return l.find(text) != std::string::npos; }));
    }
    bool shows(int state) const {
        return figures.to_text().find("corvid_circuit_state{service=\"test\",breaker=\"fees\"} " +
                                      std::to_string(state)) != std::string::npos;
    }
};

steady_time moment(duration since) { return steady_time(since); }

void attempt(circuit_breaker& b, const outcome& how, steady_time now) {
    steady_time until{};
    const auto period = b.enter(now, until);
    ASSERT_TRUE(period);
    b.leave(*period, how, now);
}

TEST_F(breaker_test, says_in_log_metrics_and_health_when_it_changes) {
    circuit_breaker b("fees", {.failures = 2, .open_for = 30s}, log, &figures);
    EXPECT_TRUE(shows(0));
    EXPECT_EQ(b.describe(moment(0s)), "closed");
    attempt(b, retry("fee service is away"), moment(0s));
    attempt(b, retry("fee service is away"), moment(0s));
    EXPECT_EQ(lines_with("a circuit breaker opens"), 1);
    EXPECT_EQ(lines_with("fee service is away"), 1);
    EXPECT_TRUE(shows(2));
    EXPECT_NE(b.describe(moment(10s)).find("open; tried again in 20 s; "), std::string::npos);

    steady_time until{};
    EXPECT_FALSE(b.enter(moment(10s), until));
    EXPECT_EQ(until, moment(30s));
    const auto probe = b.enter(moment(30s), until);
    ASSERT_TRUE(probe);
    EXPECT_TRUE(shows(1));
    b.leave(*probe, done, moment(31s));
    EXPECT_TRUE(shows(0));
    EXPECT_EQ(lines_with("closes"), 1);
}

TEST_F(breaker_test, a_record_that_is_rejected_says_nothing_about_the_dependency) {
    circuit_breaker b("fees", {.failures = 2}, log, nullptr);
    attempt(b, retry("away"), moment(0s));
    attempt(b, dead_letter("no such plane"), moment(0s));
    EXPECT_EQ(b.state(), circuit::state::closed);
    attempt(b, retry("away"), moment(0s));
    EXPECT_EQ(b.state(), circuit::state::open);
}

TEST_F(breaker_test, only_failures_that_count_open_it) {
    circuit_breaker b("fees",
                      {.failures = 1, .counts = [](const error& e) { return e == errc::deadline_exceeded; }},
                      log, nullptr);
    attempt(b, retry("busy"), moment(0s));
    EXPECT_EQ(b.state(), circuit::state::closed);
    attempt(b, retry(error(errc::deadline_exceeded)), moment(0s));
    EXPECT_EQ(b.state(), circuit::state::open);
}

TEST_F(breaker_test, tells_when_to_begin_again_with_the_probes_that_are_on_their_way_counted) {
    circuit_breaker b("fees", {.failures = 1, .open_for = 30s, .probes = 2}, log, nullptr);
    EXPECT_FALSE(b.not_before(moment(0s), 100));
    attempt(b, retry("away"), moment(0s));
    EXPECT_EQ(b.not_before(moment(1s), 0), moment(30s));
    EXPECT_FALSE(b.not_before(moment(30s), 1));
    EXPECT_EQ(b.not_before(moment(30s), 2), moment(30s) + 100ms);
}

TEST_F(breaker_test, never_lets_more_probes_out_than_it_may_whatever_the_threads_do) {
    constexpr int threads = 4;
    circuit_breaker b("fees", {.failures = 3, .open_for = 1ns, .probes = 2}, log, &figures);
    std::atomic<std::int64_t> clock{0};
    std::atomic<int> admitted{0};
    {
        std::vector<std::jthread> all;
        for (int t = 0; t < threads; ++t)
            all.emplace_back([&, t] {
                for (int i = 0; i < 20'000; ++i) {
                    steady_time until{};
                    const steady_time now(duration(clock.fetch_add(1)));
                    const auto period = b.enter(now, until);
                    if (!period) continue;
                    ++admitted;
                    b.leave(*period, (i / 7 + t) % 3 == 0 ? outcome(verdict::retry) : outcome(verdict::done),
                            steady_time(duration(clock.fetch_add(1))));
                }
            });
    }
    EXPECT_GT(admitted.load(), 0);
    EXPECT_GT(lines_with("a circuit breaker opens"), 0);
    EXPECT_GT(lines_with("closes"), 0);
    // Whatever happened: opened as often as it was half open, save for the end.
    const int opened = lines_with("opens") + lines_with("stays open");
    EXPECT_LE(std::abs(opened - lines_with("half open")), 1);
}

} // namespace
} // namespace corvid
