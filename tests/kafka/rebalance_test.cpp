// SPDX-License-Identifier: Apache-2.0
//
// Services that share the partitions of a topic on a real Kafka: eager, static and, where librdkafka can,
// cooperative.
#include "real_kafka.hpp"
#include <corvid/kafka/cluster.hpp>
#include <corvid/kafka/versions.hpp>
#include <corvid/message/message.hpp>
#include <corvid/service/runtime.hpp>
#include <corvid/service/service.hpp>
#include <corvid/service/threaded_scheduler.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <random>
#include <set>

namespace sample {
struct stepped {
    std::string key;
    int n = 0; ///< counts up within its key
};
CORVID_MESSAGE(stepped, (key, n), .topic = "rebalance.test.stepped", .key = &stepped::key);
} // namespace sample

namespace corvid {
namespace {

using namespace std::chrono_literals;
using sample::stepped;
using ::testing::HasSubstr;

constexpr int keys = 30;

std::string address() {
    const std::string text = real_kafka();
    return text.substr(text.starts_with("kafka://") ? 8 : 0);
}

/// What all members saw; any thread.
struct witness {
    void saw(const std::string& who, const stepped& what) {
        const std::lock_guard held(mutex);
        in_order &= what.n <= next[what.key];
        next[what.key] = std::max(next[what.key], what.n + 1);
        ++seen[who];
        ++all;
    }
    void told(std::string_view line) {
        const std::lock_guard held(mutex);
        if (line.find("partitions revoked") != std::string_view::npos) revoked.emplace_back(line);
        if (line.find("CVD-5010") != std::string_view::npos) duplicates.emplace_back(line);
    }
    template <class F>
    auto with(const F& look) {
        const std::lock_guard held(mutex);
        return look(*this);
    }
    std::mutex mutex;
    bool in_order = true;
    std::map<std::string, int> next, seen;
    int all = 0;
    std::vector<std::string> revoked, duplicates;
};

class kafka_rebalance : public ::testing::Test {
public:
    kafka_rebalance() {
        EXPECT_TRUE(cluster.open_admin()->create_topic({.name = topic_name(topic), .partitions = 6}, 30s));
    }
    ~kafka_rebalance() override {
        static_cast<void>(cluster.open_admin()->delete_topic(topic_name(topic), 30s));
    }

    std::unique_ptr<service> start(const std::string& name, settings with = {}) {
        with.service = "rebalance-" + mark;
        with.http.listen.clear();
        with.kafka.client_id = name;
        with.kafka.bootstrap = address();
        with.kafka.session_timeout = 10s;
        with.log.burst = 0;
        with.log.output = [this](std::string_view line) { sees.told(line); };
        auto made = std::make_unique<service>(std::move(with), cluster, root);
        made->on<stepped>("all", [this, name](const stepped& e) { sees.saw(name, e); }, {.topics = {topic}});
        made->start();
        return made;
    }
    void publish(service& by, int rounds) {
        auto to = by.producer().topic(topic);
        ASSERT_TRUE(to.has_value());
        for (int i = 0; i < rounds; ++i, ++published)
            for (int k = 0; k < keys; ++k) {
                const std::string key = "k" + std::to_string(k);
                const std::string value = R"({"key":")" + key + R"(","n":)" + std::to_string(published) + '}';
                ASSERT_TRUE(by.producer().post(**to, key, value));
            }
    }
    [[nodiscard]] bool eventually(const std::function<bool(witness&)>& holds,
                                  std::chrono::seconds patience = 60s) {
        const auto end = root.steady_now() + patience;
        while (!sees.with(holds)) {
            if (root.steady_now() > end) return false;
            signal never;
            (void)root.wait(never, root.steady_now() + 50ms);
        }
        return true;
    }
    [[nodiscard]] bool all_seen() {
        return eventually([&](witness& w) {
            return w.next.size() == keys &&
                   std::ranges::all_of(w.next, [&](const auto& one) { return one.second == published; });
        });
    }
    static double revocations(service& of) {
        const std::string text = of.figures().to_text();
        double sum = 0;
        for (const char* reason : {"revoked", "lost"})
            for (std::size_t at = text.find("corvid_rebalances_total{"); at != std::string::npos;
                 at = text.find("corvid_rebalances_total{", at + 1)) {
                const std::string line = text.substr(at, text.find('\n', at) - at);
                if (line.find(reason) != std::string::npos) sum += std::stod(line.substr(line.rfind(' ')));
            }
        return sum;
    }

    const std::string mark = std::to_string(std::random_device{}());
    const std::string topic = "rebalance.t" + mark + ".stepped";
    threaded_scheduler root;
    kafka::cluster cluster{{.bootstrap = address()}};
    witness sees;
    int published = 0;
};

TEST_F(kafka_rebalance, eager_members_come_and_go_and_each_key_keeps_its_order) {
    auto first = start("one");
    ASSERT_TRUE(first->wait_until_assigned(60s));
    publish(*first, 50);
    auto second = start("two"), third = start("three");
    ASSERT_TRUE(second->wait_until_assigned(60s));
    ASSERT_TRUE(third->wait_until_assigned(60s));
    publish(*first, 50);
    EXPECT_TRUE(all_seen());
    EXPECT_EQ(sees.with([](witness& w) { return w.seen.size(); }), 3u) << "all of them work";
    publish(*first, 50);
    EXPECT_EQ(second->stop(), exit_code::clean);
    publish(*first, 50);
    EXPECT_TRUE(all_seen());
    EXPECT_TRUE(sees.with([](witness& w) { return w.in_order; }));
    EXPECT_EQ(sees.with([](witness& w) { return w.all; }), keys * published) << "what drains comes once";
}

settings fixed(const std::string& instance) {
    settings with;
    with.kafka.membership = membership::fixed;
    with.kafka.instance = instance;
    return with;
}

TEST_F(kafka_rebalance, a_static_member_that_restarts_gets_back_what_it_had_and_the_other_notices_nothing) {
    auto first = start("one", fixed("a")), second = start("two", fixed("b"));
    ASSERT_TRUE(first->wait_until_assigned(60s));
    ASSERT_TRUE(second->wait_until_assigned(60s));
    publish(*first, 20);
    ASSERT_TRUE(eventually([&](witness& w) { return w.seen.size() == 2 && w.all >= keys * published; }));
    const double before = revocations(*second);
    EXPECT_EQ(first->stop(), exit_code::clean);
    first = start("one", fixed("a"));
    ASSERT_TRUE(first->wait_until_assigned(60s));
    publish(*first, 20);
    EXPECT_TRUE(all_seen());
    EXPECT_EQ(revocations(*second), before);
    EXPECT_TRUE(sees.with([](witness& w) { return w.in_order; }));
}

TEST_F(kafka_rebalance, of_two_instances_with_one_name_the_older_stops_and_says_what_to_do) {
    auto first = start("one", fixed("a"));
    ASSERT_TRUE(first->wait_until_assigned(60s));
    auto second = start("two", fixed("a"));
    ASSERT_TRUE(eventually([](witness& w) { return !w.duplicates.empty(); }));
    EXPECT_THAT(sees.with([](witness& w) { return w.duplicates.front(); }), HasSubstr("kafka.instance"));
    EXPECT_EQ(first->stop(), exit_code::failed);
    publish(*second, 20);
    EXPECT_TRUE(all_seen());
    EXPECT_EQ(second->stop(), exit_code::clean);
}

class kafka_rebalance_cooperative : public kafka_rebalance {
    void TestBody() override {
        settings with;
        with.kafka.assignor = "cooperative-sticky";
        auto first = start("one", with);
        ASSERT_TRUE(first->wait_until_assigned(60s));
        publish(*first, 50);
        auto second = start("two", with);
        ASSERT_TRUE(second->wait_until_assigned(60s));
        publish(*first, 50);
        EXPECT_TRUE(all_seen());
        ASSERT_EQ(sees.with([](witness& w) { return w.revoked.size(); }), 1u);
        EXPECT_THAT(sees.with([](witness& w) { return w.revoked.front(); }), HasSubstr("\"partitions\":3"));
        EXPECT_EQ(second->stop(), exit_code::clean);
        publish(*first, 50);
        EXPECT_TRUE(all_seen());
        EXPECT_TRUE(sees.with([](witness& w) { return w.in_order; }));
        EXPECT_EQ(sees.with([](witness& w) { return w.all; }), keys * published);
    }
};

// By the librdkafka that is loaded: below 2.10.0, where cooperative-sticky loses assignments and is refused
// (client_config.cooperative_sticky_is_refused_where_it_loses_assignments), ctest reports the test as not
// run, and its name says why.
const auto* const cooperative_test = [] {
    std::string name = "keep_what_no_other_is_to_have";
    if (rd_kafka_version() < 0x020a0000) {
        std::string loaded = rd_kafka_version_str();
        std::ranges::replace_if(loaded, [](char c) { return c < '0' || c > '9'; }, '_');
        name = "DISABLED_" + name + "__not_run__librdkafka_" + loaded + "_is_loaded_and_it_takes_2_10_0";
    }
    return ::testing::RegisterTest("kafka_rebalance_cooperative", name.c_str(), nullptr, nullptr, __FILE__,
                                   __LINE__,
                                   []() -> kafka_rebalance* { return new kafka_rebalance_cooperative; });
}();

} // namespace
} // namespace corvid
