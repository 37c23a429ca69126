// SPDX-License-Identifier: Apache-2.0
//
// The shapes of handlers as a service offers them, and the groups that they are in.
#include <corvid/base/simulation.hpp>
#include <corvid/memory/cluster.hpp>
#include <corvid/message/message.hpp>
#include <corvid/service/runtime.hpp>
#include <corvid/service/service.hpp>

#include <gtest/gtest.h>

namespace sample::shapes {
struct shaped_order {
    std::string id;
};
CORVID_MESSAGE(shaped_order, (id), .topic = "shop.orders", .key = &shaped_order::id,
               .event_type = "order-placed");
struct order_paid {
    std::string id;
};
CORVID_MESSAGE(order_paid, (id), .topic = "shop.orders", .key = &order_paid::id, .event_type = "order-paid");
struct invoice_issued {
    std::string id;
};
CORVID_MESSAGE(invoice_issued, (id), .topic = "shop.invoices", .key = &invoice_issued::id);
} // namespace sample::shapes

namespace corvid {
namespace {

using namespace std::chrono_literals;
using sample::shapes::invoice_issued;
using sample::shapes::order_paid;
using sample::shapes::shaped_order;

struct shop {
    shop() {
        with.http.listen.clear();
        with.log.output = [](std::string_view) {};
        EXPECT_TRUE(create_topics(cluster, with.topics, 1s));
    }
    void order(service& s, int count) {
        for (int i = 0; i < count; ++i) {
            EXPECT_TRUE(s.producer().post(shaped_order{"o" + std::to_string(i)}));
            EXPECT_TRUE(s.producer().post(order_paid{"o" + std::to_string(i)}));
        }
    }

    simulation sim{1};
    memory::cluster cluster{sim};
    settings with{
        .service = "shop",
        .kafka = {.bootstrap = "memory:"},
        .topics = {{.name = "shop.orders", .partitions = 4}, {.name = "shop.invoices", .partitions = 4}}};
};

TEST(handler_shapes, of_every_kind_read_one_topic_each_in_a_group_of_its_own) {
    shop w;
    int placed = 0, paid = 0, others = 0, first = 0, second = 0, invoices = 0;
    std::size_t archived = 0;
    service s(w.with, w.cluster, w.sim);
    s.route("by-type", "shop.orders")
        .on<shaped_order>([&](const shaped_order& o, context& ctx) {
            ++placed;
            ctx.publish(invoice_issued{o.id});
        })
        .on<order_paid>([&](const order_paid&, context& ctx) -> task<void> {
            co_await ctx.sleep(1ms);
            ++paid;
        })
        .otherwise([&](std::string_view, context&) { ++others; })
        .fan_out<shaped_order>(
            "both", to_all([&](const shaped_order&) { ++first; }, [&](const shaped_order&) { ++second; }))
        .on_batch<shaped_order>(
            "archive", [&](std::span<const received<shaped_order>> batch) { archived += batch.size(); },
            {.max = 30, .within = 100ms})
        .on<invoice_issued>("invoices", [&](const invoice_issued&) { ++invoices; });
    s.start();
    w.order(s, 50);
    w.sim.run_for(5s);
    EXPECT_EQ(s.stop(), exit_code::clean);
    EXPECT_EQ(placed, 50);
    EXPECT_EQ(paid, 50);
    EXPECT_EQ(others, 0);
    EXPECT_EQ(first, 100);
    EXPECT_EQ(second, 100);
    EXPECT_EQ(archived, 100u);
    EXPECT_EQ(invoices, 50);
    for (const std::string group : {"shop.by-type", "shop.both", "shop.archive"}) {
        std::int64_t sum = 0;
        for (int p = 0; p < 4; ++p)
            sum += w.cluster.script()
                       .committed(group, {topic_name("shop.orders"), partition_id(p)})
                       .value_or(offset(0))
                       .value;
        EXPECT_EQ(sum, 100) << group;
    }
}

TEST(handler_shapes, in_one_group_on_one_topic_are_refused_with_both_names) {
    shop w;
    service s(w.with, w.cluster, w.sim);
    s.on_batch<shaped_order>("archive", [](std::span<const received<shaped_order>>) {}, {.group = "g"});
    try {
        s.route("feed", "shop.orders", {.group = "g"})
            .on<order_paid>([](const order_paid&) {})
            .otherwise(skip);
        FAIL() << "it was taken";
    } catch (const config_error& e) {
        EXPECT_EQ(e.why().code(), errc::group_conflict);
        EXPECT_NE(e.why().describe().find("\"archive\" and \"feed\""), std::string::npos);
    }
}

TEST(handler_shapes, in_one_group_on_topics_of_their_own_share_it) {
    shop w;
    int orders = 0, invoices = 0;
    service s(w.with, w.cluster, w.sim);
    s.on<shaped_order>("orders", [&](const shaped_order&) { ++orders; }, {.group = "g"});
    s.on<invoice_issued>("invoices", [&](const invoice_issued&) { ++invoices; }, {.group = "g"});
    s.start();
    w.order(s, 5);
    EXPECT_TRUE(s.producer().post(invoice_issued{"o1"}));
    w.sim.run_for(5s);
    EXPECT_EQ(s.stop(), exit_code::clean);
    EXPECT_EQ(orders, 10);
    EXPECT_EQ(invoices, 1);
    EXPECT_EQ(w.cluster.script().describe("g").generation > 0, true);
}

TEST(handler_shapes, a_route_without_its_end_is_refused_at_the_start) {
    shop w;
    service s(w.with, w.cluster, w.sim);
    static_cast<void>(s.route("feed", "shop.orders").on<order_paid>([](const order_paid&) {}));
    try {
        s.start();
        FAIL() << "it was taken";
    } catch (const config_error& e) {
        EXPECT_NE(e.why().describe().find("\"feed\" is not complete"), std::string::npos)
            << e.why().describe();
        EXPECT_NE(e.why().describe().find("otherwise()"), std::string::npos) << e.why().describe();
    }
}

} // namespace
} // namespace corvid
