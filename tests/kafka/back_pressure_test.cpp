// SPDX-License-Identifier: Apache-2.0
//
// A backlog that handlers are too slow for, for several poll intervals, on a real Kafka: the member stays in
// its group, and what it holds does not grow with the backlog.
#include "real_kafka.hpp"
#include <corvid/kafka/cluster.hpp>
#include <corvid/message/message.hpp>
#include <corvid/service/runtime.hpp>
#include <corvid/service/service.hpp>
#include <corvid/service/threaded_scheduler.hpp>

#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <random>

namespace sample {
struct weighed {
    std::string key, load;
};
CORVID_MESSAGE(weighed, (key, load), .topic = "pressure.test.weighed", .key = &weighed::key);
} // namespace sample

namespace corvid {
namespace {

using namespace std::chrono_literals;
using sample::weighed;

constexpr int partitions = 4, backlog = 100'000;
constexpr auto poll_interval = 10s;

std::int64_t live_bytes() {
    const struct mallinfo2 now = mallinfo2();
    return static_cast<std::int64_t>(now.uordblks + now.hblkhd);
}

class back_pressure : public ::testing::Test {
public:
    back_pressure() {
        EXPECT_TRUE(
            cluster.open_admin()->create_topic({.name = topic_name(topic), .partitions = partitions}, 30s));
    }
    ~back_pressure() override {
        static_cast<void>(cluster.open_admin()->delete_topic(topic_name(topic), 30s));
    }

    settings with() {
        settings s;
        s.service = "pressure-" + mark;
        s.http.listen.clear();
        s.kafka.bootstrap = address;
        s.kafka.session_timeout = 9s;
        s.kafka.max_poll_interval = poll_interval;
        s.kafka.prefetch_bytes = std::uint64_t{1} << 20;
        s.shutdown.drain = 1s;
        s.shutdown.grace = 1s;
        s.log.level = log_level::error;
        return s;
    }
    void publish(service& by) {
        auto to = by.producer().topic(topic);
        ASSERT_TRUE(to.has_value());
        std::minstd_rand letters(1); // that no compression makes a small fetch of
        std::string load(1'000, 'x');
        for (int i = 0; i < backlog; ++i) {
            for (char& each : load)
                each = static_cast<char>('a' + letters() % 26);
            const std::string key = "k" + std::to_string(i % 1'000);
            const std::string value = R"({"key":")" + (key + R"(","load":")") + (load + "\"}");
            ASSERT_TRUE(by.producer().post(**to, key, value));
        }
    }
    [[nodiscard]] bool lets_pass_until(const std::function<bool()>& holds, std::chrono::seconds patience) {
        const auto end = root.steady_now() + patience;
        while (!holds()) {
            if (root.steady_now() > end) return false;
            signal never;
            (void)root.wait(never, root.steady_now() + 100ms);
        }
        return true;
    }

    const std::string mark = std::to_string(std::random_device{}());
    const std::string topic = "pressure.t" + mark + ".weighed";
    const std::string address =
        std::string(real_kafka()).substr(real_kafka().starts_with("kafka://") ? 8 : 0);
    threaded_scheduler root;
    kafka::cluster cluster{{.bootstrap = address}};
};

TEST_F(back_pressure, leaves_the_member_in_its_group_and_the_backlog_on_the_broker) {
    {
        service sender(with(), cluster, root);
        sender.start();
        publish(sender);
        EXPECT_EQ(sender.stop(), exit_code::clean);
    }
    std::atomic<int> begun = 0, over = 0;
    std::atomic<bool> slow = true;
    const std::int64_t before = live_bytes();
    service member(with(), cluster, root);
    member.on<weighed>("slow",
                       [&](const weighed&, context& ctx) -> task<void> {
                           ++begun;
                           if (slow) co_await ctx.sleep(1s); // well within the poll interval
                           ++over;
                       },
                       {.group = "pressure-" + mark, .topics = {topic}, .concurrency = 16});
    const auto said = [&](metric which, metrics::label_values labels) {
        return member.figures().counter_of(which, labels).value();
    };
    const std::string group = "pressure-" + mark;
    member.start();
    ASSERT_TRUE(lets_pass_until([&] { return begun > 0; }, 60s));
    std::int64_t most = 0;
    const auto since = root.steady_now();
    EXPECT_TRUE(lets_pass_until(
        [&] {
            most = std::max(most, live_bytes() - before);
            return root.steady_now() - since > 3 * poll_interval;
        },
        60s));
    EXPECT_LT(over, backlog / 10) << "this was no back-pressure";
    EXPECT_EQ(said(metric::rebalances, {group, "assigned"}), 1u);
    EXPECT_EQ(said(metric::rebalances, {group, "revoked"}), 0u);
    EXPECT_EQ(said(metric::rebalances, {group, "lost"}), 0u);
    EXPECT_EQ(said(metric::watchdog_leaves, {group}), 0u);
    EXPECT_LT(most, 40'000'000) << "of a backlog of " << backlog / 1'000 << " MB";

    slow = false; // the same member goes on
    EXPECT_TRUE(lets_pass_until([&] { return over >= backlog; }, 60s)) << over;
    EXPECT_EQ(over, backlog) << "what the member keeps comes once";
    EXPECT_EQ(said(metric::offset_gaps, {topic, group}), 0u) << "no compaction, no transactions";
    EXPECT_EQ(member.stop(), exit_code::clean);
}

} // namespace
} // namespace corvid
