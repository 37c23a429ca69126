// SPDX-License-Identifier: Apache-2.0
//
// A service that cannot start, or cannot end as it should: what it says, and what it has not done by then.
#include <corvid/base/simulation.hpp>
#include <corvid/consume/scripted_source.hpp>
#include <corvid/memory/cluster.hpp>
#include <corvid/message/message.hpp>
#include <corvid/service/http_server.hpp>
#include <corvid/service/runtime.hpp>
#include <corvid/service/service.hpp>
#include <corvid/service/threaded_scheduler.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <mutex>

namespace sample {
struct parcel {
    int id = 0;
};
CORVID_MESSAGE(parcel, (id), .topic = "shop.parcel.sent");
} // namespace sample

namespace corvid {
namespace {

using namespace std::chrono_literals;
using sample::parcel;

class service_trouble : public testing::Test {
public:
    settings quiet() {
        settings s{.service = "post",
                   .kafka = {.bootstrap = "memory:"},
                   .topics = {{.name = "shop.parcel.sent", .partitions = 1}}};
        s.http.listen.clear();
        s.log.burst = 0;
        s.log.output = [this](std::string_view line) {
            const std::lock_guard lock(mutex);
            lines.emplace_back(line);
        };
        return s;
    }
    bool said(std::string_view what) {
        const std::lock_guard lock(mutex);
        return std::ranges::any_of(lines, [&](const auto& l) { return l.find(what) != l.npos; });
    }
    std::mutex mutex;
    std::vector<std::string> lines;
};

TEST_F(service_trouble, a_producer_that_cannot_be_opened_is_an_error_of_the_settings) {
    settings with = quiet();
    with.kafka.bootstrap = "127.0.0.1:1";
    with.kafka.properties = {{"security.protocol", "ssl"}, {"ssl.ca.location", "/nonexistent/ca.pem"}};
    service s(with);
    EXPECT_THROW(s.start(), config_error);
    EXPECT_EQ(s.stop(), exit_code::clean);
}

TEST_F(service_trouble, a_port_that_is_taken_is_told_before_any_record_is_handled) {
    threaded_scheduler root;
    memory::cluster cluster(root);
    settings with = quiet();
    ASSERT_TRUE(create_topics(cluster, with.topics, 1s));
    const http_server taken(root, {.listen = "127.0.0.1:0"},
                            [](const http_request&) { return http_answer{}; });
    with.http.listen = "127.0.0.1:" + std::to_string(taken.port());
    std::atomic<int> handled = 0;
    {
        service s(with, cluster, root);
        s.on<parcel>("send", [&](const parcel&) { ++handled; });
        EXPECT_TRUE(s.producer().post(parcel{1}));
        try {
            s.start();
            ADD_FAILURE() << "it started";
        } catch (const config_error& e) {
            EXPECT_EQ(e.why().code(), errc::address_unusable);
        }
    }
    EXPECT_EQ(handled, 0);
    EXPECT_EQ(cluster.script().describe("post.send").generation, 0) << "nobody joined";
}

TEST_F(service_trouble, settings_that_cannot_work_are_told_before_any_group_is_joined) {
    simulation sim{4};
    memory::cluster cluster{sim};
    settings with = quiet();
    ASSERT_TRUE(create_topics(cluster, with.topics, 1s));
    service s(with, cluster, sim);
    s.on<parcel>("a", [](const parcel&) {});
    s.on<parcel>("b", [](const parcel&) {}, {.concurrency = 0});
    EXPECT_THROW(s.start(), config_error);
    sim.run_for(5s);
    for (const char* group : {"post.a", "post.b"})
        EXPECT_EQ(cluster.script().describe(group).generation, 0) << group << " was joined";
    EXPECT_EQ(s.stop(), exit_code::clean);
}

TEST_F(service_trouble, what_is_put_elsewhere_must_be_durable_there) {
    simulation sim{5};
    memory::cluster cluster{sim};
    settings with = quiet();
    with.produce.acks = broker::acknowledgements::leader;
    with.produce.idempotent = false;
    ASSERT_TRUE(create_topics(cluster, with.topics, 1s));
    service careful(with, cluster, sim);
    careful.on<parcel>("a", [](const parcel&) {});
    try {
        careful.start();
        ADD_FAILURE() << "a dead letter may be lost with a broker";
    } catch (const config_error& e) {
        for (const char* named : {"rejected", "produce.acks"})
            EXPECT_NE(e.why().describe().find(named), std::string::npos) << e.why().describe();
    }
    service other(with, cluster, sim);
    other.on<parcel>("a", [](const parcel&) {}, {.rejected = when_rejected::stop_partition});
    EXPECT_NO_THROW(other.start());
    EXPECT_EQ(other.stop(), exit_code::clean);
}

/// Looks at the service at the moment it joins a group.
struct watched_cluster final : broker::cluster {
    explicit watched_cluster(broker::cluster& of) : inner(of) {}
    broker::group_member join(const broker::source_settings& settings, scheduler& loop,
                              broker::source_listener& listener) override {
        if (at_join) at_join();
        return (members ? *members : inner).join(settings, loop, listener);
    }
    std::unique_ptr<broker::record_sink> open_sink(const broker::sink_settings& settings, scheduler& loop,
                                                   broker::sink_listener& listener) override {
        return inner.open_sink(settings, loop, listener);
    }
    std::unique_ptr<broker::admin> open_admin() override { return inner.open_admin(); }
    broker::cluster& inner;
    broker::cluster* members = nullptr; ///< where groups are joined instead
    std::function<void()> at_join;
};

TEST_F(service_trouble, while_it_joins_probes_are_answered_with_alive_and_not_ready) {
    threaded_scheduler root;
    memory::cluster inner(root);
    watched_cluster cluster(inner);
    settings with = quiet();
    with.http.listen = "127.0.0.1:0";
    service s(with, cluster, root);
    s.on<parcel>("send", [](const parcel&) {});
    int looked = 0;
    cluster.at_join = [&] {
        ++looked;
        EXPECT_NE(s.http_port(), 0);
        EXPECT_TRUE(s.health().report(probe::liveness).ok);
        EXPECT_FALSE(s.health().report(probe::readiness).ok);
    };
    s.start();
    EXPECT_EQ(looked, 1);
    EXPECT_EQ(s.health().report(probe::readiness).to_json(true).find("starting"), std::string::npos);
    EXPECT_EQ(s.stop(), exit_code::clean);
}

TEST_F(service_trouble, a_stop_that_takes_too_long_names_the_broker_where_it_is_the_broker) {
    simulation sim{2};
    memory::cluster inner{sim};
    watched_cluster cluster(inner);
    scripted::cluster groups;
    cluster.members = &groups;
    service s(quiet(), cluster, sim);
    s.on<parcel>("send", [](const parcel&) {});
    s.start();
    groups.source->answers_close = false;
    EXPECT_EQ(s.stop(), exit_code::failed);
    EXPECT_TRUE(said("the broker does not answer"));
    EXPECT_FALSE(said("a handler does not return"));
    groups.source->say(broker::closed{}); // late, but the loop can end
}

TEST_F(service_trouble, a_stop_that_takes_too_long_names_the_handler_where_it_is_a_handler) {
    simulation sim{3};
    memory::cluster cluster{sim};
    const settings with = quiet();
    ASSERT_TRUE(create_topics(cluster, with.topics, 1s));
    service s(with, cluster, sim);
    s.on<parcel>("send", [](const parcel&, context& ctx) -> task<void> { co_await ctx.sleep(10min); });
    s.start();
    EXPECT_TRUE(s.producer().post(parcel{1}));
    sim.run_for(10s);
    EXPECT_EQ(s.stop(), exit_code::undrained);
    EXPECT_TRUE(said("a handler does not return"));
    EXPECT_FALSE(said("the broker does not answer"));
}

task<result<std::int64_t>> ask(database& db) {
    auto asking = db.query<std::int64_t>("select 1");
    auto answer = co_await asking;
    if (!answer) co_return fail(std::move(answer).error());
    co_return answer->at(0);
}

TEST_F(service_trouble, its_database_is_that_of_its_settings_and_what_may_happen_twice_is_told) {
    simulation sim{6};
    memory::cluster cluster{sim};
    settings with = quiet();
    with.database.url = secret("sqlite::memory:");
    ASSERT_TRUE(create_topics(cluster, with.topics, 1s));
    service s(with, cluster, sim);
    s.on<parcel>("send", [](const parcel&, context&, unit_of_work&) {},
                 {.exactly_once = in(s.database(), {.may_duplicate = "the call to the carrier"})});
    s.start();
    EXPECT_EQ(&s.database(), &s.database());
    EXPECT_EQ(wait_for(sim, s.database().loop(), ask(s.database())).value_or(0), 1);
    EXPECT_TRUE(s.health().report(probe::readiness).ok) << s.health().report(probe::readiness).to_json(true);
    EXPECT_TRUE(said("the call to the carrier"));
    EXPECT_EQ(s.stop(), exit_code::clean);
}

TEST_F(service_trouble, a_database_that_is_not_named_or_does_not_answer_is_told_as_such) {
    threaded_scheduler root;
    memory::cluster cluster(root);
    settings with = quiet();
    service without(with, cluster, root);
    try {
        (void)without.database();
        ADD_FAILURE() << "there is none";
    } catch (const config_error& e) {
        EXPECT_NE(e.why().describe().find("set database.url"), std::string::npos) << e.why().describe();
    }
    with.database.url = secret("postgresql://nobody@127.0.0.1:1/none");
    service s(with, cluster, root);
    s.start();
    EXPECT_FALSE(wait_for(root, s.database().loop(), ask(s.database())));
    const health_report ready = s.health().report(probe::readiness);
    EXPECT_FALSE(ready.ok);
    EXPECT_NE(ready.to_json(true).find("database.url"), std::string::npos) << ready.to_json(true);
    EXPECT_EQ(s.stop(), exit_code::clean);
}

TEST_F(service_trouble, settings_that_are_empty_are_not_logged_as_secrets) {
    simulation sim{4};
    memory::cluster cluster{sim};
    service s(quiet(), cluster, sim);
    s.start();
    EXPECT_TRUE(said("starting"));
    EXPECT_FALSE(said("[redacted]"));
    s.stop();
}

} // namespace
} // namespace corvid
