// SPDX-License-Identifier: Apache-2.0
//
// What handlers publish, on the in-process broker in virtual time: a record is done when it is acknowledged,
// and not before.
#include <corvid/base/random.hpp>
#include <corvid/consume/blocking.hpp>
#include <corvid/consume/shapes/fan_out.hpp>
#include <corvid/consume/shapes/publishing_world_test.hpp>
#include <corvid/observe/trace_context.hpp>

namespace corvid::consume_test {
namespace {

struct headers_of_echo {
    std::string id, correlation, causation, trace;
    bool operator==(const headers_of_echo& o) const { // each attempt is a span
        return id == o.id && correlation == o.correlation && causation == o.causation;
    }
};

TEST(published, by_a_plain_function_holds_the_offset_until_it_is_acknowledged_and_holds_up_nothing) {
    publishing_world w(1);
    int handled = 0;
    w.publish(3, 1'000);
    w.cluster.script().delay_sends(3s);
    auto loop = w.join([&](const keyed& e, context& ctx) {
        ++handled;
        ctx.publish(echoed{e.key, e.n});
    });
    w.sim.run_for(2'500ms);
    EXPECT_EQ(handled, 3'000) << "also where they are of one key";
    for (int p = 0; p < 4; ++p)
        EXPECT_EQ(w.committed(p), 0);
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    w.expect_echoes();
    EXPECT_EQ(w.end(*loop), loop_end::clean);
}

TEST(published, by_a_coroutine_or_a_blocking_handler_holds_its_record_too) {
    for (const bool blocks : {false, true}) {
        publishing_world w(2);
        blocking_pool pool(w.sim, 2);
        w.publish(30, 10);
        w.cluster.script().delay_sends(1s);
        std::unique_ptr<group_loop> loop;
        if (blocks) {
            auto function = blocking(echo());
            subscription with;
            with.handle = std::make_unique<pooled_handler>(
                std::make_unique<typed_handler<keyed, decltype(function)>>(std::move(function)), pool);
            loop = w.join_with(std::move(with));
        } else {
            loop = w.join([](const keyed& e, context& ctx) -> task<void> {
                const echoed out{e.key, e.n};
                ctx.publish(out);
                co_return;
            });
        }
        w.sim.run_for(900ms);
        for (int p = 0; p < 4; ++p)
            EXPECT_EQ(w.committed(p), 0);
        EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
        w.expect_echoes();
        EXPECT_EQ(w.end(*loop), loop_end::clean);
    }
}

TEST(published, awaited_tells_where_it_is) {
    publishing_world w(3, 1);
    std::vector<std::int64_t> offsets;
    w.publish(1, 5);
    auto loop = w.join([&](const keyed& e, context& ctx) -> task<outcome> {
        const echoed out{e.key, e.n};
        const auto at = co_await ctx.publish(out, {.key = "other"});
        if (!at) co_return retry(at.error());
        offsets.push_back(at->offset.value);
        co_return done;
    });
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    EXPECT_EQ(offsets, (std::vector<std::int64_t>{0, 1, 2, 3, 4}));
    EXPECT_EQ(w.echoes().front().key, "other");
    EXPECT_EQ(w.end(*loop), loop_end::clean);
}

TEST(published, that_fails_makes_the_attempt_a_retry_and_its_key_comes_again_behind_it_in_order) {
    for (const order how : {by_key, by_partition}) {
        publishing_world w(4);
        w.publish(5, 40);
        w.cluster.script().delay_sends(50ms);
        w.cluster.script().fail_sends(20, error(errc::not_persisted));
        auto loop = w.join(echo(), {.order = how, .failure = {.retry = {.first = 100ms, .limit = 50}}});
        EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
        w.expect_echoes(true);
        EXPECT_EQ(w.end(*loop), loop_end::clean);
        EXPECT_GT(w.lines_with("a record is tried again"), 0);
    }
}

TEST(published, that_fails_for_good_sends_its_record_to_the_dead_letters) {
    publishing_world w(5);
    w.publish(2, 3);
    auto loop = w.join(
        [](const keyed& e, context& ctx) {
            if (e.n == 1) ctx.publish(e, {.partition = partition_id(77)});
        },
        {.failure = {.retry = {.first = 100ms, .limit = 2}, .rejected = when_rejected::dead_letters}});
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    EXPECT_EQ(w.end(*loop), loop_end::clean);
    EXPECT_EQ(w.dead_letters().size(), 2u);
}

TEST(published, unordered_each_record_waits_alone) {
    publishing_world w(6);
    w.publish(1, 500);
    w.cluster.script().delay_sends(1s);
    w.cluster.script().fail_sends(3, error(errc::not_persisted));
    std::map<int, int> times;
    auto loop = w.join(
        [&](const keyed& e, context& ctx) {
            ++times[e.n];
            ctx.publish(echoed{e.key, e.n});
        },
        {.order = unordered, .failure = {.retry = {.first = 100ms, .limit = 50}}});
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    EXPECT_EQ(times.size(), 500u);
    EXPECT_EQ(std::ranges::count_if(times, [](const auto& t) { return t.second > 1; }), 3);
    EXPECT_EQ(w.end(*loop), loop_end::clean);
}

TEST(published, carries_ids_that_are_derived_from_the_record_and_repeat_with_it) {
    publishing_world w(7, 1);
    const auto twice = [](const keyed& e, context& ctx) {
        ctx.publish(echoed{e.key, e.n});
        ctx.publish(echoed{e.key, e.n + 100});
        if (ctx.attempt() == 1) throw std::runtime_error("once more");
    };
    const trace_context trace{.trace_id = {1}, .span_id = {2}, .sampled = true};
    const std::string parent = trace.traceparent();
    const std::vector<header_view> headers = {{wire::correlation_id, "cause"}, {wire::traceparent, parent}};
    EXPECT_TRUE(message_producer(*w.out).post(keyed{"a", 0}, {.event_id = "id-7", .headers = headers}));
    EXPECT_TRUE(message_producer(*w.out).post(keyed{"b", 0}));
    w.flush();
    auto loop = w.join(twice, {.failure = {.retry = {.first = 100ms, .limit = 5}}});
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    EXPECT_EQ(w.end(*loop), loop_end::clean);
    std::map<std::string, std::vector<headers_of_echo>> of;
    for (const auto& each : w.echoes())
        of[each.key].push_back({std::string(each.its_headers.find(wire::idempotency_key).value_or("")),
                                std::string(each.its_headers.find(wire::correlation_id).value_or("")),
                                std::string(each.its_headers.find(wire::causation_id).value_or("")),
                                std::string(each.its_headers.find(wire::traceparent).value_or(""))});
    ASSERT_EQ(of["a"].size(), 4u);
    EXPECT_EQ(of["a"][0].id, "id-7/1");
    EXPECT_EQ(of["a"][1].id, "id-7/2");
    EXPECT_EQ(of["a"][0].correlation, "cause");
    EXPECT_EQ(of["a"][0].causation, "id-7");
    const auto child = trace_context::parse(of["a"][0].trace);
    ASSERT_TRUE(child);
    EXPECT_EQ(child->trace_id, trace.trace_id);
    EXPECT_NE(child->span_id, trace.span_id);
    EXPECT_TRUE(child->sampled);
    ASSERT_EQ(of["b"].size(), 4u);
    EXPECT_EQ(of["b"][0].id, "test.keyed.made-0-1/1");
    EXPECT_EQ(of["b"][0].correlation, "test.keyed.made-0-1");
    EXPECT_TRUE(trace_context::parse(of["b"][0].trace));
    for (const std::string key : {"a", "b"})
        for (std::size_t i = 0; i < 2; ++i)
            EXPECT_EQ(of[key][i], of[key][i + 2]) << "the second attempt publishes the same";
}

TEST(published, ids_tell_the_handlers_of_a_fan_out_apart_and_stay_theirs_when_one_is_tried_again) {
    publishing_world w(9, 1);
    w.publish(1, 1);
    auto functions = to_all([](const keyed& e, context& ctx) { ctx.publish(echoed{e.key, 1}); },
                            [](const keyed& e, context& ctx) -> task<outcome> {
                                const echoed two{e.key, 2}, three{e.key, 3};
                                ctx.publish(two);
                                ctx.publish(three);
                                co_return ctx.attempt() == 1 ? retry("once more") : outcome(done);
                            });
    subscription with{.failure = {.retry = {.first = 100ms, .limit = 5}}};
    with.handle = [&]<class... F>(all_functions<F...> given) {
        return std::make_unique<fan_out_handler<keyed, F...>>(std::move(given));
    }(std::move(functions));
    auto loop = w.join_with(std::move(with), {});
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    EXPECT_EQ(w.end(*loop), loop_end::clean);
    std::multimap<int, std::string> ids;
    for (const auto& each : w.echoes())
        ids.emplace(json::decode<echoed>(each.value)->n,
                    std::string(each.its_headers.find(wire::idempotency_key).value_or("")));
    const std::string id = "test.keyed.made-0-0";
    const std::multimap<int, std::string> expected = {
        {1, id + "/1.1"}, {2, id + "/2.1"}, {2, id + "/2.1"}, {3, id + "/2.2"}, {3, id + "/2.2"}};
    EXPECT_EQ(ids, expected);
}

TEST(published, a_stop_waits_for_the_acknowledgement_and_nothing_is_handled_twice) {
    publishing_world w(8);
    w.publish(50, 10);
    w.cluster.script().delay_sends(2s);
    auto loop = w.join(echo());
    w.sim.run_for(500ms);
    EXPECT_EQ(w.end(*loop), loop_end::clean);
    EXPECT_TRUE(w.all_committed());
    w.expect_echoes();
}

/// Publishes for the first record of a key and fails at the second, as a plain function or a coroutine.
struct second_fails {
    std::vector<duration> at; ///< the second was called
    std::vector<int> attempts;
    std::vector<int> others;

    std::unique_ptr<group_loop> join(publishing_world& w, bool awaits, subscription with) {
        const auto call = [this, &w](const keyed& e, context& ctx) {
            if (e.n != 1) {
                others.push_back(e.n);
                if (e.n == 0) ctx.publish(echoed{e.key, e.n});
                return;
            }
            at.push_back(w.sim.steady_now().time_since_epoch());
            attempts.push_back(ctx.attempt());
            throw std::runtime_error("no fee");
        };
        if (!awaits) return w.join(call, std::move(with));
        return w.join(
            [call](const keyed& e, context& ctx) -> task<void> {
                call(e, ctx);
                co_return;
            },
            std::move(with));
    }
};

TEST(published, a_record_that_fails_behind_one_that_waits_is_decided_upon_when_that_is_acknowledged) {
    for (const bool awaits : {false, true}) {
        publishing_world w(9, 1);
        second_fails key;
        w.publish(1, 3);
        w.cluster.script().delay_sends(1s);
        auto loop = key.join(w, awaits,
                             {.failure = {.retry = {.limit = 1}, .rejected = when_rejected::dead_letters}});
        w.sim.run_for(500ms);
        EXPECT_EQ(w.committed(0), 0);
        EXPECT_EQ(w.lines_with("goes to the dead letter topic"), 0) << "what is before it may fail yet";
        EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
        EXPECT_EQ(key.at.size(), 1u) << "one attempt is all it has";
        EXPECT_EQ(key.others, (std::vector<int>{0, 2}));
        EXPECT_EQ(w.end(*loop), loop_end::clean);
        EXPECT_EQ(w.dead_letters().size(), 1u);
    }
}

TEST(published, a_record_that_fails_behind_one_that_waits_has_its_back_off_and_its_count) {
    for (const bool awaits : {false, true}) {
        publishing_world w(10, 1);
        second_fails key;
        w.publish(1, 3);
        w.cluster.script().delay_sends(1s);
        auto loop = key.join(w, awaits,
                             {.failure = {.retry = {.first = 10s, .factor = 1, .limit = 3, .jitter = 0},
                                          .rejected = when_rejected::dead_letters}});
        EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 5min));
        EXPECT_EQ(key.attempts, (std::vector<int>{1, 2, 3}));
        for (std::size_t i = 1; i < key.at.size(); ++i)
            EXPECT_GE(key.at[i] - key.at[i - 1], 10s);
        EXPECT_EQ(w.lines_with("a record is tried again"), 2);
        EXPECT_EQ(w.end(*loop), loop_end::clean);
    }
}

TEST(published, a_record_that_fails_behind_one_whose_publish_fails_comes_again_as_if_it_had_not_run) {
    for (const bool awaits : {false, true}) {
        publishing_world w(11, 1);
        second_fails key;
        w.publish(1, 3);
        w.cluster.script().delay_sends(1s);
        w.cluster.script().fail_sends(1, error(errc::not_persisted));
        auto loop = key.join(w, awaits,
                             {.failure = {.retry = {.first = 10s, .factor = 1, .limit = 2, .jitter = 0},
                                          .rejected = when_rejected::dead_letters}});
        EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 5min));
        EXPECT_EQ(key.attempts, (std::vector<int>{1, 1, 2}));
        EXPECT_EQ(key.others, (std::vector<int>{0, 0, 2}));
        EXPECT_EQ(w.end(*loop), loop_end::clean);
        EXPECT_EQ(w.dead_letters().size(), 1u);
    }
}

/// Random failures, delays and rebalances: whatever happens each key's echoes are there, the last of each in
/// order.
class publish_histories : public testing::TestWithParam<int> {
public:
    static void something_happens(publishing_world& w, prng& random) {
        w.cluster.script().delay_sends(std::chrono::milliseconds(random.below(200)));
        if (random.below(3) == 0) w.cluster.script().fail_sends(random.below(6), error(errc::not_persisted));
        if (random.below(6) == 0) w.cluster.script().rebalance("group");
        if (random.below(10) == 0 && !w.cluster.script().describe("group").members.empty())
            w.cluster.script().lose_assignment("group", "m");
    }
};

TEST_P(publish_histories, lose_nothing_and_keep_the_order_of_each_key) {
    const auto seed = static_cast<std::uint64_t>(GetParam());
    SCOPED_TRACE("seed " + std::to_string(seed));
    publishing_world w(seed, 3);
    prng random(seed);
    w.publish(7, 60);
    auto function = [&](const keyed& e, context& ctx) -> outcome {
        if (random.below(40) == 0) return retry("flaky");
        if (random.below(4) > 0)
            ctx.publish(echoed{e.key, e.n});
        else
            ctx.publish(echoed{e.key, e.n}, {.event_id = "own"});
        if (random.below(40) == 0) throw std::runtime_error("flaky");
        return done;
    };
    auto slow = [&, function](const keyed& e, context& ctx) -> task<outcome> {
        if (random.below(3) == 0) co_await ctx.sleep(std::chrono::milliseconds(random.below(50)));
        co_return function(e, ctx);
    };
    const auto join = [&]() {
        subscription with{.order = random.below(3) == 0 ? by_partition : by_key,
                          .concurrency = 1 + random.below(20),
                          .failure = {.retry = {.first = 10ms, .limit = 1'000'000, .cap = 100ms}},
                          .intake = {.runnable_records = 8 + random.below(200)}};
        group_settings settings{.source = {.client_id = "m"},
                                .rebalance_drain = std::chrono::milliseconds(random.below(500)),
                                .crashes = {.suspect_after = 0}}; // its ends look like crashes
        return seed % 2 == 0 ? w.join(function, std::move(with), settings)
                             : w.join(slow, std::move(with), settings);
    };
    auto loop = join();
    for (int i = 0; i < 30 && !w.all_committed(); ++i) {
        something_happens(w, random);
        if (random.below(8) == 0) {
            w.end(*loop, std::chrono::milliseconds(random.below(400)), 100ms);
            loop = join();
        }
        w.sim.run_for(std::chrono::milliseconds(random.below(300)));
    }
    w.cluster.script().fail_sends(0, error(errc::not_persisted));
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1h));
    EXPECT_EQ(w.end(*loop), loop_end::clean);
    w.expect_echoes(true);
}

INSTANTIATE_TEST_SUITE_P(seeds, publish_histories, testing::Range(1, 41));

TEST(event_id, is_the_senders_key_else_that_of_the_cloud_event_else_the_place) {
    const run_origin from{.where = {topic_name("air.flight.departed"), partition_id(3)}, .stop = {}};
    headers both, event;
    both.add(wire::idempotency_key, std::string_view("key-1")).add("ce_id", std::string_view("event-1"));
    event.add("ce_id", std::string_view("event-1"));
    EXPECT_EQ(event_id_of(from, 7, both.view()), "key-1");
    EXPECT_EQ(event_id_of(from, 7, event.view()), "event-1");
    EXPECT_EQ(event_id_of(from, 7, {}), "air.flight.departed-3-7");
}

} // namespace
} // namespace corvid::consume_test
