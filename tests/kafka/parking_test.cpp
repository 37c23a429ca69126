// SPDX-License-Identifier: Apache-2.0
//
// A key that dies on a real Kafka, stays dead through a restart of its service, and is released.
#include "real_kafka.hpp"
#include <corvid/kafka/cluster.hpp>
#include <corvid/message/message.hpp>
#include <corvid/service/service.hpp>
#include <corvid/service/threaded_scheduler.hpp>

#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <random>

namespace sample {
struct entry {
    std::string account;
    int n = 0;
};
CORVID_MESSAGE(entry, (account, n), .topic = "test.parking.entry", .key = &entry::account);
} // namespace sample

namespace corvid {
namespace {

using namespace std::chrono_literals;
using sample::entry;

class parking_on_kafka : public testing::Test {
public:
    parking_on_kafka() {
        const topic_name letters(topic.str() + '.' + group + ".dlq");
        for (const topic_name& name : {topic, letters}) {
            const auto made = cluster.open_admin()->create_topic({.name = name, .partitions = 2}, 30s);
            EXPECT_TRUE(made) << made.error().describe();
        }
    }

    std::unique_ptr<service> life() {
        corvid::settings with;
        with.service = "parking";
        with.kafka.bootstrap = real_kafka();
        with.kafka.session_timeout = 6s;
        with.http.listen.clear();
        auto s = std::make_unique<service>(std::move(with), cluster, root);
        s->on<entry>("ledger",
                     [this](const entry& e) -> outcome {
                         const std::lock_guard lock(mutex);
                         if (e.account == "a" && e.n == 1) return dead_letter("it does not add up");
                         booked[e.account].push_back(e.n);
                         return done;
                     },
                     {.group = group, .topics = {topic.str()}, .rejected = when_rejected::park_key});
        return s;
    }
    std::vector<int> booked_of(const std::string& account) {
        const std::lock_guard lock(mutex);
        return booked[account];
    }
    void publish(publisher& by, int from, int to) const {
        auto where = by.topic(topic);
        ASSERT_TRUE(where);
        for (int n = from; n < to; ++n)
            for (const std::string account : {"a", "b", "c"}) {
                const std::string value = R"({"account":")" + account + R"(","n":)" + std::to_string(n) + '}';
                EXPECT_TRUE(by.post(**where, std::string_view(account), std::string_view(value)));
            }
    }
    [[nodiscard]] bool eventually(const std::function<bool()>& holds) {
        signal never;
        for (int i = 0; i < 600 && !holds(); ++i)
            (void)root.wait(never, root.steady_now() + 100ms);
        return holds();
    }
    std::int64_t records_of(const std::string& suffix) {
        std::int64_t all = 0;
        for (std::int32_t p = 0; p < 2; ++p)
            all += cluster.open_admin()
                       ->range_of({topic_name(topic.str() + '.' + group + suffix), partition_id(p)}, 30s)
                       ->end.value;
        return all;
    }

    const std::string id = std::to_string(std::random_device()());
    const topic_name topic{"test.parking.entry-" + id};
    const std::string group = "parking-" + id;
    threaded_scheduler root;
    kafka::cluster cluster{{.bootstrap = real_kafka()}};
    std::mutex mutex;
    std::map<std::string, std::vector<int>> booked;
};

TEST_F(parking_on_kafka, a_dead_key_stays_dead_through_a_restart_and_is_released_in_order) {
    publisher out(cluster, root, {});
    {
        const auto first = life();
        const auto made = first->parked("ledger").create_topics(1, 30s);
        ASSERT_TRUE(made) << made.error().describe();
        first->start();
        publish(out, 0, 5);
        ASSERT_TRUE(eventually([&] { return booked_of("b").size() == 5 && booked_of("c").size() == 5; }));
        ASSERT_TRUE(eventually([&] { return records_of(".parked") == 3; }));
        EXPECT_EQ(first->stop(), exit_code::clean);
    }
    EXPECT_EQ(booked_of("a"), std::vector{0});
    EXPECT_EQ(records_of(".dlq"), 1);

    const auto second = life();
    second->start();
    publish(out, 5, 7);
    ASSERT_TRUE(eventually([&] { return booked_of("b").size() == 7 && booked_of("c").size() == 7; }));
    ASSERT_TRUE(eventually([&] { return records_of(".parked") == 5; }));
    EXPECT_EQ(booked_of("a"), std::vector{0}) << "the next life knows that the key is dead";

    const parked_keys parked = second->parked("ledger");
    const auto dead = parked.list(30s);
    ASSERT_TRUE(dead) << dead.error().describe();
    ASSERT_EQ(dead->size(), 1u);
    EXPECT_EQ(dead->front().key, "a");
    const auto asked = parked.release("a", 30s);
    ASSERT_TRUE(asked) << asked.error().describe();
    EXPECT_EQ(*asked, 1u);
    ASSERT_TRUE(eventually([&] { return booked_of("a").size() == 6; }));
    publish(out, 7, 9);
    ASSERT_TRUE(eventually([&] { return booked_of("a").size() == 8; }));
    EXPECT_EQ(booked_of("a"), (std::vector{0, 2, 3, 4, 5, 6, 7, 8}));
    EXPECT_TRUE(eventually([&] {
        const auto left = parked.list(30s);
        return left && left->empty();
    }));
    EXPECT_EQ(second->stop(), exit_code::clean);
}

} // namespace
} // namespace corvid
