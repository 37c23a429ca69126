// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/simulation.hpp>
#include <corvid/middleware/attempt_chain.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <vector>

namespace corvid {
namespace {

using namespace std::chrono_literals;
using entry = attempt::entry;

struct kept_spans : span_sink {
    struct kept {
        std::string topic, handler;
        std::int64_t offset;
        verdict how;
        duration took;
        bool failed;
    };
    void ended(const span& s) noexcept override {
        all.push_back(
            {std::string(s.topic), std::string(s.handler), s.offset, s.how, s.took, s.why != nullptr});
    }
    std::vector<kept> all;
};

struct attempt_chain_test : testing::Test {
    simulation sim{11};
    logger quiet{{.output = [](std::string_view) {}}};
    metrics figures{"test"};
    dependencies shared{quiet, &figures};
    record what{};
    record_origin place{.topic = "a.b.c", .where = partition_id(2), .source = &what};

    std::unique_ptr<attempt_chain> chain(chain_settings with, const std::string& handler = "h") {
        return std::make_unique<attempt_chain>(std::move(with), shared, handler, "g");
    }
    /// One attempt that takes `length`; none: it was refused.
    std::optional<outcome> run(attempt_chain& c, outcome says, duration length = {}) {
        std::optional<deadline> limit;
        if (c.deadline() > 0s) limit.emplace(c.deadline(), stop_token());
        attempt a(c, place, 1, limit ? &*limit : nullptr);
        if (a.enter(sim, nullptr, c.begin_run()) != entry::entered) return std::nullopt;
        sim.advance(length);
        return a.leave(std::move(says), sim);
    }
    bool shows(const std::string& line) const { return figures.to_text().find(line) != std::string::npos; }
    std::string refusal(const std::function<void()>& make) {
        try {
            make();
        } catch (const config_error& e) {
            return std::string(e.why().message());
        }
        return {};
    }
};

TEST_F(attempt_chain_test, an_attempt_past_its_deadline_is_tried_again_and_the_error_names_the_setting) {
    const auto c = chain({.deadline = 2s});
    EXPECT_EQ(run(*c, done, 2s - 1ns), verdict::done);
    const auto late = run(*c, done, 2s);
    ASSERT_TRUE(late && *late == verdict::retry);
    EXPECT_EQ(late->why()->code(), errc::deadline_exceeded);
    EXPECT_NE(late->why()->message().find("deadline of subscription \"h\", 2000 ms"), std::string_view::npos);
    EXPECT_EQ(run(*c, dead_letter("no"), 3s), verdict::dead_letter);
    EXPECT_TRUE(shows("corvid_deadline_exceeded_total{service=\"test\",group=\"g\",handler=\"h\"} 2"));
}

TEST_F(attempt_chain_test, a_deadline_is_a_failure_to_the_breaker) {
    const auto c = chain({.breaker = {.failures = 1, .open_for = 30s}, .deadline = 2s});
    EXPECT_EQ(run(*c, done, 3s), verdict::retry);
    EXPECT_FALSE(run(*c, done));
    EXPECT_EQ(c->hold(sim.steady_now(), 0), sim.steady_now() + 30s);
    EXPECT_TRUE(shows("by=\"breaker\"} 1"));
}

TEST_F(attempt_chain_test, who_is_refused_by_the_breaker_gives_its_place_in_the_bulkhead_back) {
    const auto c = chain({.breaker = {.failures = 1, .open_for = 30s}, .bulkhead = {.at_once = 1}});
    EXPECT_EQ(run(*c, retry("away")), verdict::retry);
    for (int i = 0; i < 3; ++i)
        EXPECT_FALSE(run(*c, done));
    EXPECT_TRUE(c->bulkhead()->try_enter());
}

TEST_F(attempt_chain_test, a_full_bulkhead_refuses_who_cannot_wait) {
    const auto c = chain({.bulkhead = {.at_once = 1}});
    attempt first(*c, place, 1, nullptr), second(*c, place, 1, nullptr);
    ASSERT_EQ(first.enter(sim, nullptr, false), entry::entered);
    ASSERT_EQ(second.enter(sim, nullptr, false), entry::waits);
    EXPECT_EQ(second.entered_bulkhead(false, sim, nullptr), entry::refused);
    EXPECT_GT(second.not_before(), sim.steady_now());
    EXPECT_EQ(first.leave(done, sim), verdict::done);
    EXPECT_TRUE(run(*c, done));
}

TEST_F(attempt_chain_test, a_run_is_begun_only_with_a_token_for_its_first_record) {
    const auto c = chain({.rate = {.per_second = 10, .burst = 1}});
    ASSERT_FALSE(c->hold(sim.steady_now(), 0));
    ASSERT_FALSE(c->hold(sim.steady_now(), 0)) << "asked again, it has one in hand";
    EXPECT_TRUE(run(*c, done));
    EXPECT_FALSE(run(*c, done));
    const auto until = c->hold(sim.steady_now(), 0);
    EXPECT_EQ(until, sim.steady_now() + 100ms);
    sim.advance(100ms);
    EXPECT_FALSE(c->hold(sim.steady_now(), 0));
    EXPECT_TRUE(run(*c, done));
}

TEST_F(attempt_chain_test, those_who_share_a_rate_limit_get_their_tokens_in_turn) {
    const rate_settings rule{.per_second = 10, .burst = 1, .name = "fees"};
    const auto a = chain({.rate = rule}, "a"), b = chain({.rate = rule}, "b");
    int got_a = 0, got_b = 0;
    for (int i = 0; i < 100'000; ++i, sim.advance(1ms)) { // `a` always asks first
        if (!a->hold(sim.steady_now(), 0)) got_a += a->begin_run();
        if (!b->hold(sim.steady_now(), 0)) got_b += b->begin_run();
    }
    EXPECT_NEAR(got_a, 500, 5);
    EXPECT_NEAR(got_b, 500, 5);
}

TEST_F(attempt_chain_test, one_name_is_one_breaker_and_has_one_set_of_settings) {
    const breaker_settings rule{.failures = 1, .open_for = 30s, .name = "fees"};
    const auto a = chain({.breaker = rule}, "a"), b = chain({.breaker = rule}, "b");
    const auto own = chain({.breaker = {.failures = 1}}, "own");
    EXPECT_EQ(run(*a, retry("away")), verdict::retry);
    EXPECT_FALSE(run(*b, done));
    EXPECT_TRUE(run(*own, done));
    EXPECT_EQ(shared.breakers().size(), 2U);
    auto other = rule;
    other.failures = 2;
    const std::string why = refusal([&] { chain({.breaker = other}, "c"); });
    EXPECT_NE(why.find("subscription \"c\": breaker \"fees\" has other settings"), std::string::npos) << why;
}

TEST_F(attempt_chain_test, settings_that_cannot_work_are_refused_with_the_subscription) {
    EXPECT_NE(refusal([&] { chain({.rate = {.per_second = -1}}); }).find("\"h\": rate.per_second"),
              std::string::npos);
    EXPECT_NE(refusal([&] { chain({.deadline = -1s}); }).find("\"h\": deadline"), std::string::npos);
    EXPECT_FALSE(chain_settings{}.is_set());
    EXPECT_TRUE((chain_settings{.deadline = 1s}.is_set()));
}

TEST_F(attempt_chain_test, spans_of_sampled_traces_are_told_with_what_became_of_them) {
    const auto sink = std::make_shared<kept_spans>();
    const auto all = chain({.tracing = {.sink = sink, .sample = 1}});
    what.offset = 7;
    EXPECT_EQ(run(*all, done, 5ms), verdict::done);
    EXPECT_EQ(run(*all, retry("away")), verdict::retry);
    const auto none = chain({.tracing = {.sink = sink, .sample = 0}});
    EXPECT_EQ(run(*none, done), verdict::done);
    ASSERT_EQ(sink->all.size(), 2U);
    EXPECT_EQ(sink->all[0].topic, "a.b.c");
    EXPECT_EQ(sink->all[0].handler, "h");
    EXPECT_EQ(sink->all[0].offset, 7);
    EXPECT_EQ(sink->all[0].how, verdict::done);
    EXPECT_EQ(sink->all[0].took, 5ms);
    EXPECT_EQ(sink->all[1].how, verdict::retry);
    EXPECT_TRUE(sink->all[1].failed);
}

} // namespace
} // namespace corvid
