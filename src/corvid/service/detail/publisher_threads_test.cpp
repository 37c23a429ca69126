// SPDX-License-Identifier: Apache-2.0
//
// The publisher on threads: what happens between a post, a flush and the end.
#include <corvid/base/task_scope.hpp>
#include <corvid/memory/cluster.hpp>
#include <corvid/produce/publisher.hpp>
#include <corvid/service/threaded_scheduler.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace corvid {
namespace {

using namespace std::chrono_literals;

class publisher_threads : public testing::Test {
public:
    publisher_threads() {
        EXPECT_TRUE(cluster.open_admin()->create_topic({.name = name, .partitions = 1}, 1s));
    }
    [[nodiscard]] std::unique_ptr<publisher> open(producer_settings settings = {}) {
        return std::make_unique<publisher>(cluster, root, std::move(settings),
                                           logger({.output = [this](std::string_view) { ++logged; }}));
    }
    [[nodiscard]] std::int64_t records() {
        return cluster.open_admin()->range_of({name, partition_id(0)}, 1s)->end.value;
    }
    [[nodiscard]] bool flush(publisher& of) {
        signal over;
        bool well = false;
        start_detached<flush_operation>(
            [&](const result<void>& answer) {
                well = answer.has_value();
                over.set();
            },
            of);
        EXPECT_TRUE(root.wait(over, root.steady_now() + 60s));
        return well;
    }

    const topic_name name{"shop.order.placed"};
    std::atomic<int> logged = 0;
    threaded_scheduler root;
    memory::cluster cluster{root};
};

task<void> post_one(publisher& by, published_topic& to) {
    EXPECT_TRUE(by.post(to, "k", "v"));
    co_return;
}

// The task is over, and its waiter goes on, before the turn in which it posted has ended.
TEST_F(publisher_threads, what_a_loop_posted_last_outlives_close_and_destructor) {
    const auto loop = root.run_thread("poster", [](scheduler&) {});
    for (int round = 1; round <= 300; ++round) {
        auto p = open();
        published_topic& topic = **p->topic(name);
        wait_for(root, loop->loop(), post_one(*p, topic));
        if (round % 2 == 0) {
            EXPECT_TRUE(p->close(10s));
        }
        p.reset();
        ASSERT_EQ(records(), round);
    }
    EXPECT_EQ(logged, 0);
}

// Posts that wait for credit while others flush: when a thread's own flush answers, its own post is there.
TEST_F(publisher_threads, a_flush_waits_for_the_post_before_it_however_long_that_waited) {
    constexpr int threads = 6;
    constexpr int each = 60;
    cluster.script().delay_sends(500us);
    const auto p = open({.in_flight = {.records = 1}});
    std::atomic<int> early = 0;
    std::vector<std::jthread> all;
    for (int t = 0; t < threads; ++t)
        all.emplace_back([&, own = topic_name("shop.of." + std::to_string(t))] {
            const auto admin = cluster.open_admin();
            EXPECT_TRUE(admin->create_topic({.name = own, .partitions = 1}, 1s));
            published_topic& topic = **p->topic(own);
            for (int i = 1; i <= each; ++i) {
                EXPECT_TRUE(p->post(topic, "k", "v"));
                EXPECT_TRUE(flush(*p));
                early += admin->range_of({own, partition_id(0)}, 1s)->end.value < i;
            }
        });
    all.clear();
    EXPECT_EQ(early, 0);
}

// Posts, callbacks, flushes and a close at once: each accepted record is in the log or was told of.
TEST_F(publisher_threads, nothing_is_lost_between_posts_flushes_and_close) {
    for (int round = 0; round < 20; ++round) {
        const std::int64_t before = records();
        std::atomic<std::int64_t> accepted = 0, answered = 0, acknowledged = 0, told = 0;
        producer_settings settings{.in_flight = {.records = 500}};
        settings.on_failed_post = [&](const broker::failed_post&) { ++told; };
        auto p = open(std::move(settings));
        published_topic& topic = **p->topic(name);
        std::atomic<bool> enough = false;
        std::int64_t sends = 0;
        {
            std::vector<std::jthread> all;
            for (int t = 0; t < 2; ++t)
                all.emplace_back([&] {
                    while (!enough)
                        accepted += p->post(topic, "k", "v").has_value();
                });
            all.emplace_back([&] {
                for (; !enough; ++sends)
                    p->send(topic, "k", "v", {}, [&](const result<delivery>& answer) {
                        ++answered;
                        acknowledged += answer.has_value();
                    });
            });
            all.emplace_back([&] {
                while (!enough)
                    (void)flush(*p);
            });
            while (accepted < 3'000)
                std::this_thread::yield();
            if (round % 2 == 0) {
                EXPECT_TRUE(p->close(10s));
            }
            enough = true;
        }
        p.reset();
        EXPECT_EQ(answered, sends);
        EXPECT_EQ(records() - before, accepted - told + acknowledged);
    }
}

} // namespace
} // namespace corvid
