// SPDX-License-Identifier: Apache-2.0
#include <corvid/observe/metrics.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <vector>

namespace corvid {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

std::size_t lines_with(const std::string& text, std::string_view start) {
    std::istringstream in(text);
    std::size_t count = 0;
    for (std::string line; std::getline(in, line);)
        count += line.starts_with(start) ? 1U : 0U;
    return count;
}

bool is_metric_name(std::string_view name) {
    return !name.empty() &&
           std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

TEST(metric_table, names_are_unique_and_follow_prometheus_rules) {
    std::set<std::string_view> names;
    for (const metric_info& row : metric_table()) {
        EXPECT_TRUE(names.insert(row.name).second) << row.name;
        EXPECT_TRUE(is_metric_name(row.name)) << row.name;
        EXPECT_EQ(row.name.ends_with("_total"), to_string(row.type) == "counter") << row.name;
        if (to_string(row.type) == "histogram") {
            EXPECT_TRUE(row.name.ends_with("_seconds")) << row.name;
        }
        EXPECT_FALSE(row.help.empty()) << row.name;
        EXPECT_EQ(&info_of(row.id), &row);
    }
}

TEST(metric_table, no_label_can_hold_a_key_an_id_or_an_error_text) {
    const std::set<std::string> allowed = {"topic",      "group",    "handler",       "outcome",   "reason",
                                           "metric",     "level",    "consumergroup", "partition", "version",
                                           "librdkafka", "database", "state",         "error_type"};
    for (const metric_info& row : metric_table()) {
        std::istringstream in{std::string(row.labels)};
        for (std::string label; in >> label;)
            EXPECT_TRUE(allowed.contains(label)) << row.name << ' ' << label;
    }
}

TEST(metrics, the_same_labels_give_the_same_series) {
    metrics m("billing");
    m.counter_of(metric::messages_produced, {"a.b", "acked"}).add(2);
    m.counter_of(metric::messages_produced, {"a.b", "acked"}).add();
    const std::string text = m.to_text();
    EXPECT_THAT(text, HasSubstr("# TYPE corvid_messages_produced_total counter\n"));
    EXPECT_THAT(
        text,
        HasSubstr(R"(corvid_messages_produced_total{service="billing",topic="a.b",outcome="acked"} 3)"));
}

TEST(metrics, label_values_are_escaped) {
    metrics m("s");
    m.counter_of(metric::commit_failures, {"a\"b\\c\nd"}).add();
    EXPECT_THAT(m.to_text(), HasSubstr(R"(group="a\"b\\c\nd"} 1)"));
}

TEST(metrics, an_unknown_gauge_is_absent) {
    metrics m("s");
    const gauge lag = m.gauge_of(metric::group_lag, {"g", "t", "0"});
    EXPECT_THAT(m.to_text(), Not(HasSubstr("lag")));
    lag.set(7);
    EXPECT_THAT(m.to_text(), HasSubstr("} 7\n"));
    lag.clear();
    EXPECT_THAT(m.to_text(), Not(HasSubstr("lag")));
}

TEST(metrics, a_gauge_goes_with_its_last_handle_and_a_counter_stays) {
    metrics m("s");
    m.gauge_of(metric::group_lag, {"g", "t", "0"}).set(1);
    m.counter_of(metric::rebalances, {"g", "lost"}).add();
    EXPECT_THAT(m.to_text(), Not(HasSubstr("lag")));
    EXPECT_THAT(m.to_text(), HasSubstr("rebalances"));
}

TEST(metrics, handles_may_outlive_the_registry_and_default_ones_count_nothing) {
    counter kept;
    kept.add();
    EXPECT_EQ(kept.value(), 0U);
    {
        metrics m("s");
        kept = m.counter_of(metric::producer_rebuilds);
    }
    kept.add();
    EXPECT_EQ(kept.value(), 1U);
    gauge().set(1);
    histogram().observe(1s);
}

TEST(metrics, a_bucket_holds_what_is_not_above_its_bound) {
    metrics m("s");
    const histogram h = m.histogram_of(metric::produce_duration, {"t"});
    h.observe(-1ns);
    h.observe(1024ns);
    h.observe(1025ns);
    h.observe(1h, 2);
    const std::string text = m.to_text();
    EXPECT_THAT(text, HasSubstr(R"(le="1.024e-06"} 2)"));
    EXPECT_THAT(text, HasSubstr(R"(le="2.048e-06"} 3)"));
    EXPECT_THAT(text, HasSubstr(R"(le="+Inf"} 5)"));
    EXPECT_THAT(text, HasSubstr(R"(corvid_produce_duration_seconds_count{service="s",topic="t"} 5)"));
    EXPECT_THAT(text, HasSubstr(R"(corvid_produce_duration_seconds_sum{service="s",topic="t"} 7200.0)"));
}

TEST(metrics, ages_reach_from_a_millisecond_to_a_day) {
    metrics m("s");
    m.histogram_of(metric::message_age, {"t", "g"}).observe(12h);
    const std::string text = m.to_text();
    EXPECT_THAT(text, HasSubstr(R"(le="0.001048576"} 0)"));
    EXPECT_THAT(text, HasSubstr(R"(le="70368.744177664"} 1)"));
}

TEST(metrics, a_wrong_type_or_number_of_labels_is_a_broken_precondition) {
    metrics m("s");
    EXPECT_THROW((void)m.counter_of(metric::group_lag, {"g", "t", "0"}), std::invalid_argument);
    EXPECT_THROW((void)m.gauge_of(metric::rebalances, {"g", "r"}), std::invalid_argument);
    EXPECT_THROW((void)m.histogram_of(metric::rebalances, {"g", "r"}), std::invalid_argument);
    EXPECT_THROW((void)m.counter_of(metric::rebalances, {"g"}), std::invalid_argument);
}

TEST(metrics, a_million_label_sets_make_no_more_series_than_the_cap) {
    metrics m("s", 50);
    for (int i = 0; i < 1'000'000; ++i)
        m.counter_of(metric::commit_failures, {std::to_string(i)}).add();
    const std::string text = m.to_text();
    EXPECT_EQ(lines_with(text, "corvid_commit_failures_total{"), 51U);
    EXPECT_THAT(text, HasSubstr(R"(group="other"} 999950)"));
    EXPECT_THAT(text, HasSubstr(R"(metric="corvid_commit_failures_total"} 999950)"));
}

TEST(metrics, gauges_that_are_gone_make_room_under_the_cap) {
    metrics m("s", 2);
    for (int i = 0; i < 10; ++i)
        m.gauge_of(metric::group_lag, {"g", "t", std::to_string(i)}).set(i);
    const gauge last = m.gauge_of(metric::group_lag, {"g", "t", "99"});
    last.set(5);
    EXPECT_THAT(m.to_text(), HasSubstr(R"(partition="99"} 5)"));
}

TEST(metrics, updates_run_before_each_export_and_may_resolve_handles) {
    metrics m("s");
    int runs = 0;
    m.before_export(
        [&] { m.counter_of(metric::rebalances, {"g", "lost"}).add(static_cast<std::uint64_t>(++runs)); });
    (void)m.to_text();
    EXPECT_THAT(m.to_text(), HasSubstr("} 3\n"));
}

TEST(metrics, counting_from_many_threads_loses_nothing) {
    metrics m("s");
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            const counter c = m.counter_of(metric::rebalances, {"g", "lost"});
            for (int i = 0; i < 10'000; ++i)
                c.add();
        });
    for (int i = 0; i < 20; ++i)
        (void)m.to_text();
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(m.counter_of(metric::rebalances, {"g", "lost"}).value(), 40'000U);
}

TEST(process_metrics, cpu_memory_descriptors_and_threads_are_told) {
    metrics m("s");
    export_process_metrics(m);
    const std::string text = m.to_text();
    for (const char* name : {"process_cpu_seconds_total{", "process_resident_memory_bytes{",
                             "process_open_fds{", "process_threads{"})
        EXPECT_EQ(lines_with(text, name), 1U) << name;
    EXPECT_THAT(text, HasSubstr("# TYPE process_cpu_seconds_total counter"));
}

} // namespace
} // namespace corvid
