// SPDX-License-Identifier: Apache-2.0
#include <corvid/observe/log.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace corvid {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// A scheduler whose time stands where a test puts it, and that does nothing else.
class standing_clock : public scheduler {
public:
    std::chrono::milliseconds time = 0ms;

    void post(work_list&&) noexcept override {}
    void at(steady_time, timer&) override {}
    bool cancel(timer&) noexcept override { return false; }
    void watch(watcher&) override {}
    void unwatch(watcher&) noexcept override {}
    void when_writable(watcher&, work&) override {}
    std::unique_ptr<loop_thread> run_thread(std::string, std::function<void(scheduler&)>) override {
        return nullptr;
    }
    steady_time steady_now() const noexcept override { return steady_time(time); }
    wall_time wall_now() const noexcept override { return wall_time(1359676799123ms + time); }
    bool wait(signal&, std::optional<steady_time>) override { return false; }
    void stop() noexcept override {}
};

class log_lines : public testing::Test {
public:
    logger make(log_settings settings = {}) {
        settings.time = &clock;
        settings.output = [this](std::string_view line) { lines.emplace_back(line); };
        return logger(std::move(settings));
    }
    std::string last() { return lines.empty() ? "(no line)" : lines.back(); }

    standing_clock clock;
    std::vector<std::string> lines;
};

TEST_F(log_lines, a_json_line_has_time_level_message_source_and_the_fields_as_values) {
    make().info(
        "group joined",
        {{"group", "billing"}, {"partitions", 12}, {"idle", false}, {"ratio", 0.5}, {"wait_ms", 1500ms}});
    EXPECT_THAT(
        last(),
        StartsWith(
            R"({"time":"2013-01-31T23:59:59.123Z","level":"info","message":"group joined","source":"log_test.cpp:)"));
    EXPECT_THAT(last(),
                EndsWith(R"(,"group":"billing","partitions":12,"idle":false,"ratio":0.5,"wait_ms":1500})"));
}

TEST_F(log_lines, a_human_line_reads_from_left_to_right) {
    make({.format = log_format::human})
        .warn("group joined", {{"group", "billing"}, {"why", "a b"}, {"empty", ""}});
    EXPECT_EQ(last(), R"(2013-01-31T23:59:59.123Z warn    group joined  group=billing why="a b" empty="")");
}

TEST_F(log_lines, a_level_below_the_threshold_is_not_written) {
    const logger log = make({.level = log_level::warn});
    log.info("quiet");
    EXPECT_TRUE(lines.empty());
    EXPECT_FALSE(log.enabled(log_level::info));
    const logger copy = log.with({});
    copy.set_level(log_level::debug);
    log.debug("loud");
    EXPECT_THAT(last(), HasSubstr("loud"));
    log.set_level(log_level::off);
    log.critical("nothing");
    EXPECT_EQ(lines.size(), 1U);
}

TEST_F(log_lines, bound_fields_stand_in_every_line_of_the_copy_alone) {
    const logger log = make();
    const logger mine = log.with({{"correlation_id", "c-1"}}).with({{"trace_id", "t-1"}});
    mine.info("x");
    EXPECT_THAT(last(), HasSubstr(R"(,"correlation_id":"c-1","trace_id":"t-1")"));
    log.info("x");
    EXPECT_THAT(last(), Not(HasSubstr("c-1")));
}

TEST_F(log_lines, an_error_is_told_with_code_subject_hint_and_cause) {
    const error cause(errc::broker_unreachable, {.message = "connection refused"});
    const error why =
        caused_by(errc::commit_failed,
                  {.message = "no \"commit\"", .topic = "a.b", .partition = 3, .offset = 42}, cause);
    make().error("commit failed", why, {{"group", "g"}});
    EXPECT_THAT(
        last(),
        HasSubstr(R"("error":{"code":"CVD-5001","kind":"retriable","message":"no \"commit\"","hint":)"));
    EXPECT_THAT(last(), HasSubstr(R"("topic":"a.b","partition":3,"offset":42,"cause":"CVD-3001)"));
    EXPECT_THAT(last(), EndsWith(R"(},"group":"g"})"));
}

TEST_F(log_lines, input_cannot_forge_lines_or_colour_terminals) {
    for (log_format format : {log_format::json, log_format::human}) {
        make({.format = format}).info("a\nb", {{"x\n", "c\r\n{\"level\":\"info\"}\x1b[31m\u202e"}});
        EXPECT_THAT(last(), Not(testing::ContainsRegex("[\x01-\x1f]")));
        EXPECT_THAT(last(), Not(HasSubstr("\u202e")));
    }
}

TEST_F(log_lines, secrets_are_redacted_by_name_and_by_form) {
    for (log_format format : {log_format::json, log_format::human}) {
        const logger log = make({.format = format}).with({{"http.token", "canary"}});
        const error why(errc::authentication_failed, {.message = "postgresql://me:canary@db/x refused"});
        log.error("sasl.password=canary", why,
                  {{"sasl.password", "canary"},
                   {"url", "redis://:canary@h"},
                   {"text", "pass\x07word=canary"},
                   {"secret_number", 4711}});
        EXPECT_THAT(last(), Not(HasSubstr("canary")));
        EXPECT_THAT(last(), Not(HasSubstr("4711")));
        EXPECT_THAT(last(), HasSubstr("[redacted]"));
    }
}

TEST_F(log_lines, a_cut_does_not_part_a_secret_from_its_name) {
    make().info("x", {{"text", std::string(3 * 1024 - 20, 'x') + " postgresql://me:canary@db/x"}});
    EXPECT_THAT(last(), Not(HasSubstr("canary")));
}

TEST_F(log_lines, a_line_has_at_most_16_kib_and_stays_whole) {
    const std::string big(1'000'000, '"');
    const error why(errc::commit_failed, {.message = big, .hint = big, .topic = big});
    for (log_format format : {log_format::json, log_format::human}) {
        make({.format = format}).error(big, why, {{big, big}, {"b", big}, {"c", big}, {"d", big}});
        EXPECT_LE(last().size(), 16U * 1024U);
        EXPECT_THAT(last(),
                    EndsWith(format == log_format::json ? R"(,"truncated":true})" : " truncated=true"));
    }
}

TEST_F(log_lines, a_call_site_that_repeats_itself_is_held_back_and_counted) {
    std::map<log_level, int> counted;
    const logger log =
        make({.burst = 3, .window = 10s, .counted = [&](log_level level) { ++counted[level]; }});
    const auto say = [&] { log.warn("again"); };
    for (int i = 0; i < 10; ++i)
        say();
    EXPECT_EQ(lines.size(), 3U);
    log.warn("another site");
    EXPECT_EQ(lines.size(), 4U);
    clock.time = 10s;
    say();
    EXPECT_EQ(lines.size(), 5U);
    EXPECT_THAT(last(), HasSubstr(R"("suppressed":7)"));
    say();
    EXPECT_THAT(last(), Not(HasSubstr("suppressed")));
    EXPECT_EQ(counted[log_level::warn], 13);
}

TEST_F(log_lines, without_a_limit_nothing_is_held_back) {
    const logger log = make({.burst = 0});
    for (int i = 0; i < 100; ++i)
        log.info("again");
    EXPECT_EQ(lines.size(), 100U);
}

TEST_F(log_lines, lines_of_many_threads_stay_whole) {
    const logger log = make({.burst = 0});
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 250; ++i)
                log.info("x", {{"i", i}});
        });
    for (std::thread& thread : threads)
        thread.join();
    ASSERT_EQ(lines.size(), 1000U);
    for (const std::string& line : lines)
        ASSERT_TRUE(line.starts_with("{\"time\"") && line.ends_with("}")) << line;
}

TEST_F(log_lines, the_default_logger_can_be_replaced) {
    const logger before = default_logger();
    set_default_logger(make());
    default_logger().info("mine");
    set_default_logger(before);
    EXPECT_THAT(last(), HasSubstr("mine"));
}

} // namespace
} // namespace corvid
