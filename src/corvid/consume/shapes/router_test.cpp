// SPDX-License-Identifier: Apache-2.0
//
// Several types of events on one topic, on the in-process broker in virtual time.
#include <corvid/base/random.hpp>
#include <corvid/consume/detail/group_world_test.hpp>
#include <corvid/consume/shapes/router.hpp>

namespace sample {
struct liked {
    std::string key;
    int n = 0;
};
CORVID_MESSAGE(liked, (key, n), .topic = "test.keyed.made", .key = &liked::key, .event_type = "liked");
struct commented {
    std::string key;
    int n = 0;
    std::string text;
};
CORVID_MESSAGE(commented, (key, n, text), .topic = "test.keyed.made", .key = &commented::key,
               .event_type = "commented");
} // namespace sample

namespace corvid::consume_test {
namespace {

using sample::commented;
using sample::liked;

/// A route on the world's topic; `otherwise` of it answers the group's loop.
auto route_in(group_world& w, subscription with = {}) {
    return routes(w.scope, [&w, given = std::make_shared<subscription>(std::move(with))](
                               std::unique_ptr<handler> handle, bool) {
        given->handle = std::move(handle);
        return w.join_with(std::move(*given));
    });
}

void publish_as(group_world& w, std::string_view value, std::vector<header_view> headers,
                std::string_view key = "k") {
    auto topic = w.out->topic(keyed_topic);
    EXPECT_TRUE(w.out->post(**topic, key, value, {.headers = headers}));
}

TEST(router, each_type_goes_to_its_handler_and_the_order_of_a_key_holds_across_types) {
    group_world w(1);
    std::map<std::string, std::vector<int>> seen;
    auto loop =
        route_in(w)
            .on<liked>([&](const liked& e) { seen[e.key].push_back(e.n); })
            .on<commented>([&](const received<commented>& e) { seen[e->key].push_back(1'000 + e->n); })
            .otherwise(dead_letter);
    for (int n = 0; n < 20; ++n)
        for (int k = 0; k < 30; ++k) {
            const std::string key = "k" + std::to_string(k);
            if ((n + k) % 3 == 0)
                EXPECT_TRUE(message_producer(*w.out).post(commented{key, n, "well"}));
            else
                EXPECT_TRUE(message_producer(*w.out).post(liked{key, n}));
        }
    w.flush();
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    EXPECT_EQ(seen.size(), 30u);
    for (int k = 0; k < 30; ++k)
        for (int n = 0; n < 20; ++n)
            EXPECT_EQ(seen["k" + std::to_string(k)][static_cast<std::size_t>(n)],
                      (n + k) % 3 == 0 ? 1'000 + n : n);
    EXPECT_EQ(w.end(*loop), loop_end::clean);
}

TEST(router, coroutines_beside_plain_functions_keep_the_order_of_a_key_through_retries) {
    const std::uint64_t seed = 20;
    group_world w(seed);
    prng random(seed);
    std::map<std::string, std::vector<int>> done_of;
    auto fails = [&] {
        if (random.below(8) == 0) throw std::runtime_error("not yet");
    };
    auto loop = route_in(w, {.failure = {.retry = {.first = 5ms, .limit = 1'000'000, .cap = 50ms}}})
                    .on<liked>([&](const liked& e) {
                        fails();
                        done_of[e.key].push_back(e.n);
                    })
                    .on<commented>([&](const commented& e, context& ctx) -> task<outcome> {
                        co_await ctx.sleep(std::chrono::milliseconds(random.below(20)));
                        if (random.below(8) == 0) co_return retry("busy");
                        done_of[e.key].push_back(e.n);
                        co_return done;
                    })
                    .otherwise(stop);
    for (int n = 0; n < 20; ++n)
        for (int k = 0; k < 30; ++k) {
            const std::string key = "k" + std::to_string(k);
            if (random.below(2) == 0)
                EXPECT_TRUE(message_producer(*w.out).post(commented{key, n, ""}));
            else
                EXPECT_TRUE(message_producer(*w.out).post(liked{key, n}));
        }
    w.flush();
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 5min)) << "seed " << seed;
    std::vector<int> all(20);
    for (int n = 0; n < 20; ++n)
        all[static_cast<std::size_t>(n)] = n;
    for (const auto& [key, its] : done_of)
        EXPECT_EQ(its, all) << key << ", seed " << seed;
    EXPECT_EQ(done_of.size(), 30u);
    EXPECT_EQ(w.end(*loop), loop_end::clean);
}

TEST(router, a_cloudevents_header_says_the_type_where_no_event_type_does) {
    group_world w(3);
    int seen = 0;
    auto loop = route_in(w).on<liked>([&](const liked& e) { seen += e.n; }).otherwise(stop);
    publish_as(w, R"({"key":"k","n":1})", {{wire::ce_type, "liked"}});
    publish_as(w, R"({"key":"k","n":10})", {{wire::ce_type, "commented"}, {wire::event_type, "liked"}});
    w.flush();
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    EXPECT_EQ(seen, 11);
    w.end(*loop);
}

TEST(router, a_json_field_says_the_type_where_the_route_goes_by_it) {
    group_world w(4);
    int seen = 0;
    std::vector<std::string> others;
    auto loop = route_in(w)
                    .by(json_field("type"))
                    .on<liked>([&](const liked& e) { seen += e.n; })
                    .otherwise([&](std::string_view type, context&) { others.emplace_back(type); });
    publish_as(w, R"({"key":"k","n":1,"type":"liked"})", {});
    publish_as(w, R"({"x":{"type":"liked"},"type":"\u006ciked","key":"k","n":10})", {});
    for (const auto* const none :
         {R"({"key":"k","type":7})", R"({"key":"k"})", R"(["type","liked"])", "type", R"({"type")"})
        publish_as(w, none, {{wire::event_type, "liked"}});
    publish_as(w, R"({"type":"shared"})", {});
    w.flush();
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    EXPECT_EQ(seen, 11);
    EXPECT_EQ(others, (std::vector<std::string>{"", "", "", "", "", "shared"}));
    w.end(*loop);
}

TEST(router, unknown_types_become_what_otherwise_says) {
    for (const verdict policy : {verdict::skip, verdict::dead_letter}) {
        group_world w(5);
        int handled = 0;
        auto sentence =
            route_in(w, {.failure = {.rejected = when_rejected::dead_letters}}).on<liked>([&](const liked&) {
                ++handled;
            });
        auto loop = policy == verdict::skip ? std::move(sentence).otherwise(skip)
                                            : std::move(sentence).otherwise(dead_letter);
        publish_as(w, R"({"key":"k"})", {{wire::event_type, "shared"}});
        publish_as(w, "no type", {});
        publish_as(w, R"({"key":"k","n":1})", {{wire::event_type, "liked"}});
        w.flush();
        EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
        EXPECT_EQ(handled, 1);
        EXPECT_EQ(w.end(*loop), loop_end::clean);
        const auto dead = w.dead_letters();
        if (policy == verdict::skip) {
            EXPECT_TRUE(dead.empty());
            continue;
        }
        ASSERT_EQ(dead.size(), 2u);
        EXPECT_EQ(dead[0].its_headers.find(wire::error_type), "unknown_event_type");
        EXPECT_EQ(dead[0].its_headers.find(wire::dlq_message), "the record is of type shared");
        EXPECT_EQ(dead[1].its_headers.find(wire::dlq_message), "the record says no type");
        EXPECT_EQ(dead[1].value, "no type");
    }
}

TEST(router, an_unknown_type_stops_the_service_where_otherwise_says_stop) {
    group_world w(6);
    auto loop = route_in(w).on<liked>([](const liked&) {}).otherwise(stop);
    bool stopped = false;
    loop->on_handler_stop = [&](const error& why) { stopped = why.code() == errc::unknown_event_type; };
    publish_as(w, "{}", {});
    w.flush();
    w.sim.run_for(5s);
    EXPECT_TRUE(stopped);
    EXPECT_EQ(w.end(*loop), loop_end::failed);
    EXPECT_FALSE(w.all_committed());
}

TEST(router, a_function_for_other_types_may_be_a_coroutine_and_sees_the_bytes) {
    group_world w(7);
    std::vector<std::string> others;
    auto loop = route_in(w, {.failure = {.retry = {.first = 1s, .limit = 3}}})
                    .on<liked>([](const liked&) {})
                    .otherwise([&](std::string_view type, context& ctx) -> task<outcome> {
                        co_await ctx.sleep(10ms);
                        if (ctx.attempt() == 1) throw std::runtime_error("not yet");
                        others.push_back(std::string(type) + ' ' + std::string(ctx.value().text()));
                        co_return done;
                    });
    publish_as(w, "bytes", {{wire::event_type, "shared"}});
    w.flush();
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    EXPECT_EQ(others, std::vector<std::string>{"shared bytes"});
    EXPECT_EQ(w.end(*loop), loop_end::clean);
}

TEST(router, bytes_that_are_no_message_of_their_type_are_rejected_alone) {
    group_world w(8);
    int handled = 0;
    auto loop = route_in(w, {.failure = {.rejected = when_rejected::dead_letters}})
                    .on<liked>([&](const liked&) { ++handled; })
                    .on<commented>([&](const commented&) { ++handled; })
                    .otherwise(skip);
    publish_as(w, R"({"key":"k","n":"one"})", {{wire::event_type, "liked"}});
    publish_as(w, R"({"key":"k","n":1,"text":""})", {{wire::event_type, "commented"}});
    w.flush();
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    EXPECT_EQ(handled, 1);
    EXPECT_EQ(w.dead_letters().size(), 1u);
    w.end(*loop);
}

} // namespace
} // namespace corvid::consume_test
