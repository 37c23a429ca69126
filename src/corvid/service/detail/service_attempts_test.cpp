// SPDX-License-Identifier: Apache-2.0
//
// What stands around an attempt, as a service offers it.
#include <corvid/base/simulation.hpp>
#include <corvid/memory/cluster.hpp>
#include <corvid/message/message.hpp>
#include <corvid/service/runtime.hpp>
#include <corvid/service/service.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <vector>

namespace sample {
struct fee_asked {
    int id = 0;
};
CORVID_MESSAGE(fee_asked, (id), .topic = "shop.fee.asked");
} // namespace sample

namespace corvid {
namespace {

using namespace std::chrono_literals;
using sample::fee_asked;

struct service_attempts : testing::Test {
    service_attempts() {
        with.http.listen.clear();
        with.log.burst = 0;
        with.log.output = [this](std::string_view line) { lines.emplace_back(line); };
        EXPECT_TRUE(create_topics(cluster, with.topics, 1s));
    }
    void publish(service& s, int count, send_options options = {}) {
        for (int i = 0; i < count; ++i)
            EXPECT_TRUE(s.producer().post(fee_asked{i}, options));
    }
    bool says(const std::string& text, const std::string& part) const {
        return text.find(part) != std::string::npos;
    }
    int lines_with(std::string_view text) const {
        return static_cast<int>(
            std::ranges::count_if(lines, [&](const auto& l) { return l.find(text) != std::string::npos; }));
    }
    std::string refusal_of(subscription_options options, bool as_stream = false) {
        service s(with, cluster, sim);
        try {
            if (as_stream)
                (void)s.stream<fee_asked>("fees", std::move(options));
            else
                s.on<fee_asked>("fees", [](const fee_asked&) {}, std::move(options));
        } catch (const config_error& e) {
            return e.why().describe();
        }
        return {};
    }

    simulation sim{21};
    memory::cluster cluster{sim};
    std::vector<std::string> lines;
    settings with{.service = "billing",
                  .kafka = {.bootstrap = "memory:"},
                  .topics = {{.name = "shop.fee.asked", .partitions = 2}}};
};

TEST_F(service_attempts, a_dependency_that_several_handlers_name_has_one_breaker_which_operators_see) {
    bool is_down = true;
    int first = 0, second = 0;
    const breaker_settings fees{.failures = 5, .open_for = 30s, .name = "fee-service"};
    service s(with, cluster, sim);
    s.on<fee_asked>("first",
                    [&](const fee_asked&) {
                        ++first;
                        return is_down ? outcome(retry("no answer")) : outcome(done);
                    },
                    {.retry = {.limit = 100}, .breaker = fees});
    s.on<fee_asked>("second",
                    [&](const fee_asked&, context& ctx) -> task<outcome> {
                        co_await ctx.sleep(1ms);
                        ++second;
                        co_return is_down ? outcome(retry("no answer")) : outcome(done);
                    },
                    {.retry = {.limit = 100}, .breaker = fees});
    s.start();
    publish(s, 100);
    sim.run_for(20s);
    EXPECT_LE(first + second, 5 + 100); // coroutines of all keys are at work when it opens
    const int before = first + second;
    sim.run_for(5s);
    EXPECT_EQ(first + second, before);
    const std::string live = s.health().report(probe::liveness).to_json(true);
    EXPECT_TRUE(says(live, "breaker fee-service")) << live;
    EXPECT_TRUE(says(live, "open; tried again in")) << live;
    EXPECT_TRUE(s.health().report(probe::liveness).ok) << "a restart would not help";
    EXPECT_TRUE(s.health().report(probe::readiness).ok);
    EXPECT_TRUE(
        says(s.figures().to_text(), "corvid_circuit_state{service=\"billing\",breaker=\"fee-service\"} 2"));
    EXPECT_GE(lines_with("a circuit breaker opens"), 1);
    is_down = false;
    sim.run_for(2min);
    EXPECT_TRUE(
        says(s.figures().to_text(), "corvid_circuit_state{service=\"billing\",breaker=\"fee-service\"} 0"));
    EXPECT_GE(first, 100);
    EXPECT_GE(second, 100);
    EXPECT_EQ(s.stop(), exit_code::clean);
}

TEST_F(service_attempts, blocking_handlers_pass_the_same_chain) {
    int calls = 0;
    service s(with, cluster, sim);
    s.on<fee_asked>("fees", corvid::blocking([&](const fee_asked&) { ++calls; }),
                    {.rate = {.per_second = 50, .burst = 1}, .bulkhead = {.at_once = 2}, .deadline = 1s});
    s.start();
    publish(s, 100);
    sim.run_for(1s);
    EXPECT_GE(calls, 20);
    EXPECT_LE(calls, 55);
    sim.run_for(2s);
    EXPECT_EQ(calls, 100);
    EXPECT_EQ(s.stop(), exit_code::clean);
}

TEST_F(service_attempts, the_trace_of_a_record_goes_on_in_its_handler_its_log_lines_and_its_span) {
    struct sink_of_test : span_sink {
        void ended(const span& s) noexcept override {
            spans.push_back(s.context);
            handlers.emplace_back(s.handler);
        }
        std::vector<trace_context> spans;
        std::vector<std::string> handlers;
    };
    const auto sink = std::make_shared<sink_of_test>();
    std::vector<trace_context> seen;
    std::vector<std::string> correlations;
    service s(with, cluster, sim);
    s.trace_to(sink).on<fee_asked>("fees", [&](const fee_asked&, context& ctx) {
        seen.push_back(ctx.trace());
        correlations.push_back(ctx.correlation_id());
        EXPECT_EQ(ctx.causation_id(), std::nullopt);
        ctx.log().info("looked up");
    });
    s.start();
    const header_list sent{
        {wire::traceparent, optional_bytes("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")},
        {wire::correlation_id, optional_bytes("trip-7")}};
    publish(s, 1, {.headers = sent});
    sim.run_for(5s);
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen[0].trace_id_text(), "0af7651916cd43dd8448eb211c80319c");
    EXPECT_EQ(correlations[0], "trip-7");
    EXPECT_EQ(sink->spans, seen);
    EXPECT_EQ(sink->handlers, std::vector<std::string>{"fees"});
    const auto line =
        std::ranges::find_if(lines, [](const auto& l) { return l.find("looked up") != std::string::npos; });
    ASSERT_NE(line, lines.end());
    for (const std::string& part : {seen[0].trace_id_text(), seen[0].span_id_text(), std::string("trip-7")})
        EXPECT_TRUE(says(*line, part)) << part;
    EXPECT_EQ(s.stop(), exit_code::clean);
}

TEST_F(service_attempts, what_cannot_work_is_refused_when_it_is_declared) {
    EXPECT_TRUE(says(refusal_of({.breaker = {.failures = 1}}, true), "stream \"fees\": breaker, rate"));
    const std::string idle = refusal_of({.concurrency = 101, .intake = {.runnable_records = 100}});
    EXPECT_TRUE(says(idle, "concurrency is 101") && says(idle, "intake.runnable_records is 100") &&
                says(idle, "\"fees\""));
    const std::string by_hand = refusal_of({.order = by_partition, .commit = commit_mode::by_hand});
    EXPECT_TRUE(says(by_hand, "commit is by_hand") && says(by_hand, "when_done") &&
                says(by_hand, "\"fees\""));
    for (const bool streams : {false, true}) {
        const std::string batch = refusal_of({.batch = batch_limits{}}, streams);
        EXPECT_TRUE(says(batch, "batch is set") && says(batch, "on_batch()") && says(batch, "\"fees\""));
    }
    EXPECT_TRUE(says(refusal_of({.retry_topics = {5s}}, true), "stream \"fees\": retry_topics"));
    EXPECT_TRUE(says(refusal_of({.deadline = -1s}), "deadline is below 0"));
    EXPECT_TRUE(says(refusal_of({.breaker = {.failures = 1, .probes = 0}}), "breaker.probes is 0"));
    EXPECT_EQ(refusal_of({.breaker = {.failures = 10, .open_for = 30s}, .deadline = 2s}), "");
}

TEST_F(service_attempts, a_deadline_beyond_the_poll_interval_is_refused_at_start_with_both_names) {
    service s(with, cluster, sim);
    s.on<fee_asked>("fees", [](const fee_asked&) {}, {.deadline = with.kafka.max_poll_interval});
    try {
        s.start();
        FAIL();
    } catch (const config_error& e) {
        const std::string why(e.why().message());
        EXPECT_TRUE(says(why, "deadline") && says(why, "max_poll_interval")) << why;
    }
}

TEST_F(service_attempts, a_stream_takes_no_option_that_says_what_a_handler_does) {
    EXPECT_TRUE(says(refusal_of({.retry = {.limit = 3}}, true), "retry, rejected and classify"));
    EXPECT_TRUE(says(refusal_of({.rejected = when_rejected::stop_partition}, true), "rejected"));
    EXPECT_TRUE(says(refusal_of({.concurrency = 1}, true), "concurrency"));
    EXPECT_TRUE(says(refusal_of({.order = unordered}, true), "order"));
    EXPECT_EQ(refusal_of({.order = by_partition}, true), "");
}

} // namespace
} // namespace corvid
