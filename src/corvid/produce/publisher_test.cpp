// SPDX-License-Identifier: Apache-2.0
//
// The publisher on the in-process broker and the simulated scheduler.
#include <corvid/base/simulation.hpp>
#include <corvid/base/task_scope.hpp>
#include <corvid/memory/cluster.hpp>
#include <corvid/message/message.hpp>
#include <corvid/produce/message_producer.hpp>

#include <gtest/gtest.h>

namespace sample {
struct flight_seen {
    std::string tail;
    int row = 0;
};
CORVID_MESSAGE(flight_seen, (tail, row), .topic = "air.flight.seen", .key = &flight_seen::tail, .version = 12,
               .event_id = corvid::uuid7);
} // namespace sample

namespace corvid {
namespace {

using namespace std::chrono_literals;
using sample::flight_seen;

class publisher_test : public testing::Test {
public:
    publisher_test() {
        auto admin = cluster.open_admin();
        EXPECT_TRUE(admin->create_topic({.name = topic_name("air.flight.seen"), .partitions = 3}, 1s));
    }
    std::unique_ptr<publisher> make(producer_settings settings = {}) {
        settings.seed = 7;
        logger quiet({.output = [this](std::string_view line) { lines.emplace_back(line); }});
        return std::make_unique<publisher>(cluster, sim, std::move(settings), quiet, &figures);
    }
    std::uint64_t records() {
        auto admin = cluster.open_admin();
        std::int64_t sum = 0;
        for (int p = 0; p < 3; ++p)
            sum += admin->range_of({topic_name("air.flight.seen"), partition_id(p)}, 1s)->end.value;
        return static_cast<std::uint64_t>(sum);
    }
    template <class T>
    T run(task<T> t) {
        return wait_for(sim, sim, std::move(t));
    }

    simulation sim{11};
    memory::cluster cluster{sim};
    metrics figures{"test"};
    std::vector<std::string> lines;
};

task<result<delivery>> send_one(message_producer out, flight_seen f, send_options options = {}) {
    co_return co_await out.send(f, options);
}

task<result<void>> flush(message_producer out) { co_return co_await out.flush(); }

TEST_F(publisher_test, an_awaited_send_says_where_the_record_is) {
    auto p = make();
    auto first = run(send_one(message_producer(*p), {"N1", 1}));
    auto second = run(send_one(message_producer(*p), {"N1", 2}));
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->topic, "air.flight.seen");
    EXPECT_EQ(first->partition, second->partition) << "the same key";
    EXPECT_EQ(second->offset.value, first->offset.value + 1);
    EXPECT_EQ(records(), 2u);
    EXPECT_EQ(p->in_flight().records(), 0u);
    EXPECT_NE(
        figures.to_text().find(
            "corvid_messages_produced_total{service=\"test\",topic=\"air.flight.seen\",outcome=\"acked\"} 2"),
        std::string::npos)
        << figures.to_text();
}

TEST_F(publisher_test, a_callback_runs_once_for_each_record) {
    auto p = make();
    message_producer out(*p);
    int acked = 0;
    for (int i = 0; i < 100; ++i)
        out.send(flight_seen{"N1", i}, [&](result<delivery> d) { acked += d.has_value(); });
    sim.run_until([&] { return acked == 100; }, 1min);
    EXPECT_EQ(acked, 100);
}

TEST_F(publisher_test, flush_waits_for_all_that_was_posted_and_gives_the_first_error) {
    auto p = make();
    message_producer out(*p);
    for (int i = 0; i < 50; ++i)
        EXPECT_TRUE(out.post(flight_seen{"N" + std::to_string(i), i}));
    EXPECT_TRUE(run(flush(out)));
    EXPECT_EQ(records(), 50u);

    cluster.script().fail_sends(1, error(errc::not_persisted, {.message = "scripted"}));
    for (int i = 0; i < 3; ++i)
        EXPECT_TRUE(out.post(flight_seen{"N1", i}));
    auto answer = run(flush(out));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code(), errc::not_persisted);
    EXPECT_TRUE(run(flush(out))) << "an error is told once";
    EXPECT_EQ(lines.size(), 1u);
}

TEST_F(publisher_test, flushes_that_overlap_all_complete) {
    auto p = make();
    message_producer out(*p);
    cluster.script().delay_sends(10ms);
    task_scope scope;
    int done_count = 0;
    auto poster = [](message_producer to, int& count) -> task<void> {
        for (int i = 0; i < 20; ++i) {
            EXPECT_TRUE(to.post(flight_seen{"N", i}));
            if ((co_await to.flush()).has_value()) ++count;
        }
    };
    for (int i = 0; i < 5; ++i)
        scope.spawn(sim, poster(out, done_count));
    scope.wait(sim);
    EXPECT_EQ(done_count, 100);
    EXPECT_EQ(records(), 100u);
}

TEST_F(publisher_test, credit_bounds_what_is_in_flight_and_nobody_waits_for_ever) {
    auto p = make({.in_flight = {.records = 10, .bytes = 1 << 20}});
    message_producer out(*p);
    cluster.script().delay_sends(5ms);
    task_scope scope;
    std::uint64_t most = 0;
    int acked = 0;
    auto sender = [](message_producer to, publisher& by, std::uint64_t& peak, int& count,
                     int n) -> task<void> {
        const flight_seen f{"N" + std::to_string(n), n};
        count += (co_await to.send(f)).has_value();
        peak = std::max(peak, by.in_flight().records());
    };
    for (int n = 0; n < 500; ++n)
        scope.spawn(sim, sender(out, *p, most, acked, n));
    scope.wait(sim);
    EXPECT_EQ(acked, 500);
    EXPECT_LE(most, 10u);
    for (int n = 0; n < 100; ++n)
        EXPECT_TRUE(out.post(flight_seen{"N", n})) << "a plain thread waits";
    EXPECT_TRUE(run(flush(out)));
    EXPECT_EQ(records(), 600u);
}

// More than a turn's worth between two reports opens the intake; what it takes is flushed and refused as
// ever.
TEST_F(publisher_test, a_storm_of_posts_is_delivered_flushed_and_told_of_as_single_ones_are) {
    std::vector<std::string> told;
    producer_settings settings;
    settings.on_failed_post = [&](const broker::failed_post& f) { told.emplace_back(f.value.text()); };
    auto p = make(std::move(settings));
    published_topic& topic = **p->topic(topic_name("air.flight.seen"));
    std::uint64_t posted = 0;
    for (int burst = 0; burst < 20; ++burst) {
        for (int i = 0; i < 300; ++i, ++posted)
            ASSERT_TRUE(p->post(topic, "k", std::string_view(std::to_string(posted))));
        sim.run_for(1ms);
    }
    EXPECT_TRUE(run(flush(message_producer(*p))));
    EXPECT_EQ(records(), posted);
    EXPECT_EQ(p->in_flight().records(), 0U);
    p->close(1s).value();
    EXPECT_FALSE(p->post(topic, "k", "late"));
    EXPECT_TRUE(told.empty());
}

TEST_F(publisher_test, a_failed_post_is_logged_counted_and_told_with_its_bytes) {
    std::string told;
    producer_settings settings;
    settings.on_failed_post = [&](const broker::failed_post& f) {
        told = std::string(f.key.text()) + "=" + std::string(f.value.text());
    };
    auto p = make(std::move(settings));
    message_producer out(*p);
    cluster.script().fail_sends(1, error(errc::possibly_persisted), broker::persistence::possibly);
    EXPECT_TRUE(out.post(flight_seen{"N7", 7}));
    EXPECT_FALSE(run(flush(out)));
    EXPECT_EQ(told, R"(N7={"tail":"N7","row":7})");
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_NE(lines[0].find("CVD-4003"), std::string::npos);
}

TEST_F(publisher_test, what_cannot_be_sent_fails_alone_and_says_why) {
    auto p = make();
    message_producer out(*p);
    auto oversize = run(send_one(out, {std::string(2'000'000, 'x'), 1}));
    auto nowhere = run(send_one(out, {"N", 1}, {.partition = partition_id(99)}));
    auto negative = run(send_one(out, {"N", 1}, {.partition = partition_id(-2)}));
    ASSERT_FALSE(oversize || nowhere || negative);
    EXPECT_EQ(oversize.error().code(), errc::message_too_large);
    EXPECT_EQ(nowhere.error().code(), errc::unknown_partition);
    EXPECT_EQ(negative.error().code(), errc::unknown_partition);
    EXPECT_EQ(p->in_flight().records(), 0u);
    EXPECT_EQ(p->in_flight().bytes(), 0u);
    p->close(1s).value();
    EXPECT_EQ(run(send_one(out, {"N", 1})).error().code(), errc::producer_closed);
}

task<void> send_bytes(publisher& by, published_topic& to, std::string value, int& ended, int& acked) {
    const auto answer = co_await by.send(to, "k", std::string_view(value));
    ++ended;
    acked += answer.has_value();
}

// The credit of a refused send comes with no report.
TEST_F(publisher_test, a_refused_send_gives_its_credit_to_the_next) {
    auto p = make({.sink = {.max_record_bytes = 100}, .in_flight = {.records = 1}});
    published_topic& topic = **p->topic(topic_name("air.flight.seen"));
    cluster.script().delay_sends(10ms);
    task_scope scope;
    int ended = 0, acked = 0;
    for (const std::size_t size : {1U, 200U, 5'000U, 200U, 1U, 200U, 1U})
        scope.spawn(sim, send_bytes(*p, topic, std::string(size, 'x'), ended, acked));
    scope.wait(sim);
    EXPECT_EQ(ended, 7);
    EXPECT_EQ(acked, 3);
}

TEST_F(publisher_test, close_answers_those_too_that_wait_for_credit) {
    auto p = make({.in_flight = {.records = 10}});
    published_topic& topic = **p->topic(topic_name("air.flight.seen"));
    cluster.script().delay_sends(1h);
    task_scope scope;
    int ended = 0, acked = 0;
    for (int i = 0; i < 1'000; ++i)
        scope.spawn(sim, send_bytes(*p, topic, "x", ended, acked));
    sim.run_for(1s);
    EXPECT_EQ(ended, 0);
    EXPECT_FALSE(p->close(1s));
    scope.wait(sim);
    EXPECT_EQ(ended, 1'000);
    EXPECT_EQ(p->in_flight().records(), 0U);
}

} // namespace
} // namespace corvid
