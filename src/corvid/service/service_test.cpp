// SPDX-License-Identifier: Apache-2.0
//
// A whole service on the in-process broker: with threads and real HTTP, and in virtual time.
#include <corvid/asio.hpp>
#include <corvid/base/simulation.hpp>
#include <corvid/kafka/versions.hpp>
#include <corvid/memory/cluster.hpp>
#include <corvid/message/message.hpp>
#include <corvid/service/producer.hpp>
#include <corvid/service/service.hpp>
#include <corvid/service/signals.hpp>
#include <corvid/service/threaded_scheduler.hpp>
#include <corvid/version.hpp>

#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <future>
#include <set>

namespace sample {
struct order_placed {
    int id = 0;
};
CORVID_MESSAGE(order_placed, (id), .topic = "shop.order.placed");
} // namespace sample

namespace corvid {
namespace {

using namespace std::chrono_literals;
using sample::order_placed;

settings quiet(const std::string& name = "billing") {
    settings s{.service = name,
               .kafka = {.bootstrap = "memory:"},
               .topics = {{.name = "shop.order.placed", .partitions = 4}}};
    s.http.listen = "127.0.0.1:0";
    s.log.output = [](std::string_view) {};
    return s;
}

/// In virtual time there is no HTTP.
struct virtual_world {
    explicit virtual_world(std::uint64_t seed) : sim(seed) { with.http.listen.clear(); }
    simulation sim;
    memory::cluster cluster{sim};
    settings with = quiet();
};

task<void> send_all(message_producer out, int from, int to) {
    for (int i = from; i < to; ++i) {
        const order_placed o{i};
        EXPECT_TRUE((co_await out.send(o, {.partition = partition_id(i % 4)})).has_value());
    }
}

TEST(service, runs_handlers_of_every_kind_until_it_is_asked_to_stop) {
    std::atomic<int> plain = 0, coroutine = 0;
    service s(quiet());
    s.on<order_placed>("plain", [&](const order_placed&) { ++plain; });
    s.on<order_placed>("coroutine", [&](const order_placed&, context& ctx) -> task<outcome> {
        co_await ctx.sleep(1ms);
        ++coroutine;
        co_return done;
    });
    auto code = std::async(std::launch::async, [&] { return s.run(); });
    for (int i = 0; i < 200; ++i)
        EXPECT_TRUE(s.producer().post(order_placed{i}));
    while (plain < 200 || coroutine < 200)
        std::this_thread::yield();
    s.request_stop();
    EXPECT_EQ(code.get(), 0);
    EXPECT_NE(s.figures().to_text().find("corvid_messages_consumed_total"), std::string::npos);
}

TEST(service, sigterm_drains_and_commits) {
    settings with = quiet();
    threaded_scheduler root;
    memory::cluster cluster(root);
    ASSERT_TRUE(create_topics(cluster, with.topics, 1s));
    std::atomic<int> handled = 0;
    service s(with, cluster, root);
    s.on<order_placed>("plain", [&](const order_placed&) { ++handled; });
    auto code = std::async(std::launch::async, [&] { return s.run(); });
    EXPECT_TRUE(s.producer().post(order_placed{1}, {.partition = partition_id(2)}));
    while (handled < 1)
        std::this_thread::yield();
    std::raise(SIGTERM);
    EXPECT_EQ(code.get(), 0);
    EXPECT_EQ(cluster.script().committed("billing.plain", {topic_name("shop.order.placed"), partition_id(2)}),
              offset(1));
}

TEST(service, a_second_sigterm_ends_the_process_at_once) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(
        {
            threaded_scheduler root;
            signal asked;
            const termination_signals ours(root, asked);
            std::raise(SIGTERM);
            std::raise(SIGTERM);
        },
        testing::ExitedWithCode(static_cast<int>(exit_code::killed)), "");
}

TEST(service, health_names_the_record_that_keeps_a_window_full) {
    virtual_world world{9};
    auto& [sim, cluster, with] = world;
    ASSERT_TRUE(create_topics(cluster, with.topics, 1s));
    service s(with, cluster, sim);
    s.on<order_placed>("plain",
                       [](const order_placed& o) {
                           if (o.id == 3) throw std::runtime_error("never");
                       },
                       {.order = unordered,
                        .retry = {.first = 1h, .limit = 10, .cap = 2h},
                        .window = {.max_uncommitted = 1'000}});
    s.start();
    const auto told = [&] { return s.health().report(probe::liveness).to_json(true); };
    for (int i = 0; i < 3'000; ++i)
        EXPECT_TRUE(s.producer().post(order_placed{i}, {.partition = partition_id(2)}));
    sim.run_for(10s);
    EXPECT_NE(told().find("nothing is taken of shop.order.placed[2]: max_uncommitted is reached"),
              std::string::npos)
        << told();
    EXPECT_NE(told().find("at offset 3)"), std::string::npos) << told();
    EXPECT_EQ(s.stop(), exit_code::clean);
}

TEST(service, a_stop_waits_no_longer_than_the_drain_for_a_broker_that_is_away) {
    virtual_world world{8};
    auto& [sim, cluster, with] = world;
    ASSERT_TRUE(create_topics(cluster, with.topics, 1s));
    service s(with, cluster, sim);
    s.start();
    cluster.script().broker_down();
    EXPECT_TRUE(s.producer().post(order_placed{1}));
    const steady_time began = sim.steady_now();
    EXPECT_EQ(s.stop(), exit_code::unflushed);
    EXPECT_GE(sim.steady_now() - began, with.shutdown.drain);
    EXPECT_LT(sim.steady_now() - began, with.shutdown.drain + 2s);
}

TEST(service, a_handlers_stop_ends_run_with_failed) {
    service s(quiet());
    s.on<order_placed>("plain", [](const order_placed&) { throw fatal("enough"); });
    auto code = std::async(std::launch::async, [&] { return s.run(); });
    EXPECT_TRUE(s.producer().post(order_placed{1}));
    EXPECT_EQ(code.get(), static_cast<int>(exit_code::failed));
}

TEST(service, two_subscriptions_of_one_group_on_one_topic_are_refused_with_both_names) {
    service s(quiet());
    s.on<order_placed>("one", [](const order_placed&) {}, {.group = "g"});
    try {
        s.on<order_placed>("two", [](const order_placed&) {}, {.group = "g"});
        FAIL() << "it was taken";
    } catch (const config_error& e) {
        EXPECT_EQ(e.why().code(), errc::group_conflict);
        EXPECT_NE(e.why().message().find("\"one\""), std::string::npos);
        EXPECT_NE(e.why().message().find("\"two\""), std::string::npos);
    }
}

TEST(service, several_instances_share_the_work_in_virtual_time) {
    virtual_world world{3};
    auto& [sim, cluster, with] = world;
    ASSERT_TRUE(create_topics(cluster, with.topics, 1s));
    std::multiset<int> seen;
    std::vector<std::unique_ptr<service>> instances;
    std::vector<std::size_t> share(3);
    for (std::size_t i = 0; i < 3; ++i) {
        instances.push_back(std::make_unique<service>(with, cluster, sim));
        instances.back()->on<order_placed>("plain", [&, i](const order_placed& o) {
            seen.insert(o.id);
            ++share[i];
        });
        instances.back()->start();
    }
    sim.run_for(5s);
    wait_for(sim, sim, send_all(instances[0]->producer(), 0, 400));
    EXPECT_TRUE(sim.run_until([&] { return seen.size() >= 400; }, 1min));
    for (std::size_t n : share)
        EXPECT_GT(n, 0u);
    for (auto& s : instances)
        EXPECT_EQ(s->stop(), exit_code::clean);
    EXPECT_EQ(seen.size(), 400u);
    EXPECT_EQ(std::set<int>(seen.begin(), seen.end()).size(), 400u);
}

// A message's bytes go back to their pool when its send has started, and are another's while it waits.
TEST(service, what_waits_for_credit_is_sent_as_it_was_given) {
    virtual_world world{5};
    auto& [sim, cluster, with] = world;
    with.produce.in_flight = 10;
    ASSERT_TRUE(create_topics(cluster, with.topics, 1s));
    cluster.script().delay_sends(5ms);
    std::set<int> seen;
    service s(with, cluster, sim);
    s.on<order_placed>("all", [&](const order_placed& o) { seen.insert(o.id); });
    s.start();
    task_scope scope;
    for (int i = 0; i < 300; ++i)
        scope.spawn(sim, send_all(s.producer(), i, i + 1));
    scope.wait(sim);
    EXPECT_TRUE(sim.run_until([&] { return seen.size() == 300; }, 1min));
    EXPECT_EQ(s.stop(), exit_code::clean);
}

TEST(service, what_a_handler_rejects_goes_to_the_dead_letter_topic_and_blocking_handlers_to_their_pool) {
    virtual_world world{9};
    auto& [sim, cluster, with] = world;
    with.threads.blocking = 2;
    with.topics.push_back({.name = "shop.order.placed.billing.odd.dlq", .partitions = 4});
    for (const auto& topic : with.topics)
        ASSERT_TRUE(cluster.open_admin()->create_topic(
            {.name = topic_name(topic.name), .partitions = static_cast<std::int32_t>(topic.partitions)}, 1s));
    std::multiset<int> odd, all;
    std::set<scheduler*> threads;
    service s(with, cluster, sim);
    s.on<order_placed>("odd",
                       [&](const order_placed& o, context& ctx) -> task<outcome> {
                           co_await ctx.sleep(10ms);
                           if (o.id % 2 == 0) co_return dead_letter("even");
                           odd.insert(o.id);
                           co_return done;
                       },
                       {.concurrency = 16});
    s.on<order_placed>("all", blocking([&](const order_placed& o) {
                           threads.insert(scheduler::current());
                           all.insert(o.id);
                       }));
    s.start();
    wait_for(sim, sim, send_all(s.producer(), 0, 100));
    sim.run_for(5s);
    EXPECT_EQ(odd.size(), 50u);
    EXPECT_EQ(all.size(), 100u);
    EXPECT_LE(threads.size(), 2u);
    EXPECT_NE(
        s.figures().to_text().find("corvid_dlq_messages_total{service=\"billing\",topic=\"shop.order."
                                   "placed\",group=\"billing.odd\",error_type=\"handler_rejected\"} 50"),
        std::string::npos);
    EXPECT_EQ(s.stop(), exit_code::clean);
    for (int p = 0; p < 4; ++p)
        EXPECT_EQ(
            cluster.script().committed("billing.odd", {topic_name("shop.order.placed"), partition_id(p)}),
            offset(25));
}

TEST(service, waits_until_each_group_has_its_partitions) {
    virtual_world world{7};
    auto& [sim, cluster, with] = world;
    std::multiset<int> seen;
    service s(with, cluster, sim);
    s.on<order_placed>("late", [&](const order_placed& o) { seen.insert(o.id); });
    EXPECT_FALSE(s.wait_until_assigned(1s)) << "it was not started";
    s.start();
    EXPECT_FALSE(s.wait_until_assigned(10s)) << "there is no topic";
    ASSERT_TRUE(create_topics(cluster, with.topics, 1s));
    ASSERT_TRUE(s.wait_until_assigned(10min));
    wait_for(sim, sim, send_all(s.producer(), 0, 8));
    EXPECT_TRUE(sim.run_until([&] { return seen.size() == 8; }, 10s)) << "no rebalance is waited for";
    EXPECT_TRUE(s.wait_until_assigned(0s));
    EXPECT_EQ(s.stop(), exit_code::clean);
}

/// Whether the text has a series of the metric, not its name alone.
bool has_series(const std::string& text, const metric_info& of) {
    const bool is_histogram = to_string(of.type) == "histogram";
    return text.find('\n' + std::string(of.name) + (is_histogram ? "_count{" : "{")) != std::string::npos;
}

TEST(service, exports_every_metric_of_the_table) {
    // These stand for what went wrong, and are there from then on.
    const std::set<metric> only_in_trouble = {metric::series_dropped, metric::producer_rebuilds,
                                              metric::dlq_messages, metric::intake_stopped,
                                              metric::parked_keys};
    virtual_world world{5};
    auto& [sim, cluster, with] = world;
    ASSERT_TRUE(create_topics(cluster, with.topics, 1s));
    service s(with, cluster, sim);
    s.on<order_placed>("plain", [](const order_placed&) {}, {.breaker = {.failures = 3}, .deadline = 1s});
    s.start();
    wait_for(sim, sim, send_all(s.producer(), 0, 10));
    sim.run_for(5s);
    const std::string text = s.figures().to_text();
    const auto wanted = [&](const metric_info& row) {
        const auto is_of = [&](auto... parts) { return (row.name.starts_with(parts) || ...); };
        const bool of_a_database = is_of("corvid_database_", "corvid_inbox_", "corvid_outbox_",
                                         "kafka_events_", "processed_events_"); // this service has none
        return !of_a_database && !only_in_trouble.contains(row.id);
    };
    for (const metric_info& row : metric_table())
        EXPECT_EQ(has_series(text, row), wanted(row)) << row.name;
    EXPECT_EQ(s.stop(), exit_code::clean);
}

TEST(service, says_what_it_is_built_of_what_it_logs_and_what_is_in_hand) {
    virtual_world world{6};
    auto& [sim, cluster, with] = world;
    int told = 0;
    with.log.counted = [&](log_level) { ++told; };
    ASSERT_TRUE(create_topics(cluster, with.topics, 1s));
    service s(with, cluster, sim);
    s.on<order_placed>("slow", [](const order_placed&, context& ctx) -> task<outcome> {
        co_await ctx.sleep(1h);
        co_return done;
    });
    wait_for(sim, sim, send_all(s.producer(), 0, 10));
    s.start();
    sim.run_for(5s);
    s.log().warn("one");
    s.log().warn("two");
    const auto has = [&](const std::string& line) {
        return ("\n" + s.figures().to_text()).find("\n" + line + '\n') != std::string::npos;
    };
    EXPECT_TRUE(has(R"(corvid_log_lines_total{service="billing",level="warn"} 2)"));
    EXPECT_TRUE(has(
        R"(corvid_inflight_messages{service="billing",topic="shop.order.placed",group="billing.slow"} 10)"));
    EXPECT_TRUE(has(R"(corvid_build_info{service="billing",version=")" + std::string(version) +
                    R"(",librdkafka=")" + kafka::judge_loaded_version().version + R"("} 1)"));
    EXPECT_GE(told, 2) << "the caller's own count goes on";
    s.stop();
}

TEST(stream, gives_each_message_once_and_commits_what_was_passed) {
    virtual_world world{4};
    auto& [sim, cluster, with] = world;
    ASSERT_TRUE(create_topics(cluster, with.topics, 1s));
    std::set<int> seen;
    auto reads = [](message_stream<order_placed> in, std::set<int>& into) -> task<void> {
        while (auto r = co_await in.next())
            EXPECT_TRUE(into.insert(r->message().id).second);
    };
    for (int round = 0; round < 4; ++round) {
        service s(with, cluster, sim);
        auto in = s.stream<order_placed>("scan");
        s.start();
        wait_for(sim, sim, send_all(s.producer(), round * 100, round * 100 + 100));
        const std::size_t before = seen.size();
        s.tasks().spawn(sim, reads(in, seen));
        sim.run_until([&] { return seen.size() >= before + 100; }, 1min);
        EXPECT_EQ(seen.size(), before + 100);
        sim.run_for(3s);
        EXPECT_EQ(s.stop(), exit_code::clean);
        EXPECT_TRUE(in.has_ended());
    }
}

TEST(consumer, polls_none_then_messages_then_errors_and_commits_by_hand) {
    virtual_world world{4};
    auto& [sim, cluster, with] = world;
    ASSERT_TRUE(create_topics(cluster, with.topics, 1s));
    service s(with, cluster, sim);
    auto in = s.stream<order_placed>("scan", {.commit = commit_mode::by_hand});
    s.start();
    EXPECT_TRUE(in.poll(100ms).is_none()) << "nothing came: not an error";
    auto out = s.producer();
    const partition_id p(1);
    EXPECT_TRUE(out.post(order_placed{1}, {.partition = p}));
    auto first = in.poll(10s);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->message().id, 1);
    EXPECT_TRUE(out.post(**out.topic("shop.order.placed"), nullptr, "{", {.partition = p}));
    auto second = in.poll(10s);
    EXPECT_FALSE(second);
    ASSERT_TRUE(second.why());
    EXPECT_EQ(second.why()->code(), errc::malformed_payload);
    sim.run_for(5s);
    const topic_partition where{topic_name("shop.order.placed"), p};
    EXPECT_FALSE(cluster.script().committed("billing.scan", where).value_or(offset(0)) > offset(0))
        << "nobody said so";
    second.commit_up_to();
    sim.run_for(5s);
    EXPECT_EQ(cluster.script().committed("billing.scan", where), offset(2));
    EXPECT_EQ(s.stop(), exit_code::clean);
}

TEST(producer, serves_asios_tokens_with_the_same_operation) {
    producer out{quiet()};
    std::future<result<delivery>> ack = out.send(order_placed{7}, boost::asio::use_future);
    auto answer = ack.get();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->topic, "shop.order.placed");
}

TEST(consumer, and_producer_stand_alone) {
    producer out{quiet()};
    EXPECT_TRUE(out.post(order_placed{5}));
    EXPECT_TRUE(out.flush_and_wait());
    consumer<order_placed> in{quiet(), {.group = "scan"}};
    EXPECT_TRUE(in.poll(1ms).is_none()) << "its in-process cluster is its own";
}

} // namespace
} // namespace corvid
