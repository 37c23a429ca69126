// SPDX-License-Identifier: Apache-2.0
//
// What becomes of records that cannot be handled: where they go, what they carry, and when the offset moves.
#include <corvid/consume/detail/group_world_test.hpp>

namespace corvid::consume_test {
namespace {

const failure_settings to_dead_letters = {.retry = {.first = 1s, .factor = 1, .limit = 3, .jitter = 0},
                                          .rejected = when_rejected::dead_letters};

auto rejects(witness& sees, const std::string& key, int n) {
    return [&sees, key, n](const keyed& e) {
        if (e.key == key && e.n == n) throw rejected("no such plane");
        sees.finished(e);
    };
}

TEST(dead_letters, a_rejected_record_is_there_once_as_it_came_with_its_provenance) {
    group_world w(1);
    witness sees;
    std::vector<raw_handler::seen> sent;
    message_producer to(*w.out);
    const std::vector<header_view> own = {{"trace", std::string_view("t-1")}, {"empty", optional_bytes()}};
    ASSERT_TRUE(to.post(**to.topic(keyed_topic.str()), "broken", "{\"key\":",
                        {.partition = partition_id(2), .timestamp = wall_time(123456789ms), .headers = own}));
    w.publish(10, 3);
    auto loop = w.join(rejects(sees, "k3", 1), {.failure = to_dead_letters});
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    EXPECT_EQ(w.end(*loop), loop_end::clean);
    EXPECT_EQ(sees.done["k3"], (std::vector<int>{0, 2})) << "its key goes on";

    const auto dead = w.dead_letters();
    ASSERT_EQ(dead.size(), 2u);
    const auto& broken = dead[0].key == "broken" ? dead[0] : dead[1];
    EXPECT_EQ(broken.value, "{\"key\":");
    EXPECT_EQ(broken.what.timestamp, 123456789);
    EXPECT_EQ(broken.partition, partition_id(2)) << "the partition of the source";
    const header_list list = broken.its_headers.view();
    ASSERT_GE(list.size(), 2u);
    EXPECT_EQ(list[0].name, "trace");
    EXPECT_EQ(list[0].value.text(), "t-1");
    EXPECT_FALSE(list[1].value.has_value());
    const auto header = [&](std::string_view name) {
        return std::string(broken.its_headers.find(name).value_or("absent"));
    };
    EXPECT_EQ(header("__dlq.errors.topic"), keyed_topic.str());
    EXPECT_EQ(header("__dlq.errors.partition"), "2");
    EXPECT_EQ(header("__dlq.errors.offset"), "0");
    EXPECT_EQ(header("__dlq.errors.group"), "group");
    EXPECT_EQ(header("__dlq.errors.delivery.count"), "1");
    EXPECT_NE(header("__dlq.errors.message"), "absent");
    EXPECT_EQ(header("retry_count"), "0");
    EXPECT_EQ(header("corvid-error-type"), "malformed_payload");
    EXPECT_EQ(header("corvid-error-stack").substr(0, 8), "CVD-2001");
    EXPECT_EQ(header("corvid-service"), "corvid");
    EXPECT_NE(header("corvid-first-failed-at"), "absent");
    EXPECT_NE(header("corvid-instance"), "absent");
}

TEST(dead_letters, a_record_whose_attempts_are_used_up_goes_there_with_their_count) {
    group_world w(2);
    int attempts = 0;
    auto loop = w.join(
        [&](const keyed& e, context& ctx) {
            if (e.key != "k1") return;
            EXPECT_EQ(ctx.attempt(), ++attempts);
            EXPECT_EQ(ctx.first_failed_at().has_value(), attempts > 1);
            throw std::runtime_error("the belt is busy");
        },
        {.failure = to_dead_letters});
    w.publish(5, 1);
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    w.end(*loop);
    EXPECT_EQ(attempts, 3);
    const auto dead = w.dead_letters();
    ASSERT_EQ(dead.size(), 1u);
    EXPECT_EQ(dead[0].its_headers.find("retry_count"), "2");
    EXPECT_EQ(dead[0].its_headers.find("__dlq.errors.delivery.count"), "3");
    EXPECT_EQ(dead[0].its_headers.find("__dlq.errors.message"), "the belt is busy");
}

TEST(dead_letters, the_offset_moves_only_when_the_dead_letter_is_durable) {
    group_world w(3, 1);
    witness sees;
    w.publish(5, 2);
    w.cluster.script().fail_sends(3, error(errc::not_persisted));
    auto loop = w.join(rejects(sees, "k0", 0), {.failure = to_dead_letters});
    w.sim.run_for(2s);
    EXPECT_EQ(w.committed(0), 0) << "it is nowhere yet";
    EXPECT_EQ(sees.done.size(), 4u) << "its key waits, the others are done";
    EXPECT_FALSE(sees.done.contains("k0"));
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    EXPECT_EQ(w.lines_with("could not be put elsewhere"), 3);
    EXPECT_EQ(sees.done["k0"], std::vector<int>{1});
    w.end(*loop);
    EXPECT_EQ(w.dead_letters().size(), 1u);
}

TEST(dead_letters, where_their_topic_is_not_there_the_key_waits_and_the_log_names_the_topic) {
    group_world w(4, 1);
    const topic_name other("test.keyed.other");
    w.make_topic(other);
    message_producer to(*w.out);
    witness sees;
    auto loop = w.join(rejects(sees, "a", 0), {.topics = {other}, .failure = to_dead_letters});
    for (const char* key : {"a", "b", "a", "b"})
        ASSERT_TRUE(to.post(
            **to.topic(other.str()), key,
            "{\"key\":\"" + std::string(key) + "\",\"n\":" + (sees.done.empty() ? "0" : "1") + "}", {}));
    w.sim.run_for(30s);
    EXPECT_EQ(sees.done["b"].size(), 2u);
    EXPECT_FALSE(sees.done.contains("a"));
    EXPECT_GT(w.lines_with("test.keyed.other.group.dlq"), 0);
    EXPECT_EQ(w.cluster.script().committed("group", {other, partition_id(0)}).value_or(offset(0)), offset(0));
    w.make_topic(topic_name("test.keyed.other.group.dlq"));
    EXPECT_TRUE(w.sim.run_until(
        [&] { return w.cluster.script().committed("group", {other, partition_id(0)}) == offset(4); }, 10min));
    w.end(*loop);
}

TEST(dead_letters, of_records_as_large_as_a_producer_may_send_are_not_too_large) {
    group_world w(8, 1);
    const std::size_t most = w.out->settings().sink.max_record_bytes;
    const std::string frame = "{\"key\":\"\",\"n\":0}";
    const std::string big = "{\"key\":\"" + std::string(most - 1 - frame.size(), 'x') + "\",\"n\":0}";
    ASSERT_TRUE(message_producer(*w.out).post(**w.out->topic(keyed_topic), "b", big, {}));
    auto loop = w.join([](const keyed&) { throw rejected(std::string(1'200'000, 'e')); },
                       {.failure = to_dead_letters});
    w.publish("a");
    w.flush();
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    EXPECT_EQ(w.lines_with("could not be put elsewhere"), 0);
    w.end(*loop);
    const auto dead = w.dead_letters();
    ASSERT_EQ(dead.size(), 2u);
    for (const auto& each : dead) {
        EXPECT_EQ(each.its_headers.find("__dlq.errors.message"), std::string(4'096, 'e'));
        EXPECT_EQ(each.its_headers.find("corvid-error-stack")->size(), 4'096u);
    }
    EXPECT_EQ(dead[0].value.size() + dead[1].value.size(), big.size() + frame.size() + 1);
}

TEST(dead_letters, that_their_topic_finds_too_large_go_without_the_texts_of_their_failure) {
    group_world w(9, 1);
    const topic_name small("test.keyed.small");
    w.make_topic(small);
    EXPECT_TRUE(w.cluster.open_admin()->create_topic({.name = topic_name("test.keyed.small.group.dlq"),
                                                      .partitions = 1,
                                                      .config = {{"max.message.bytes", "2000"}}},
                                                     1s));
    ASSERT_TRUE(message_producer(*w.out).post(**w.out->topic(small), "k", "{\"key\":\"k\",\"n\":0}", {}));
    w.flush();
    // Cut between characters: each of these has two bytes.
    std::string reason = "n";
    for (int i = 0; i < 10'000; ++i)
        reason += "\xc3\xb6";
    auto loop = w.join([&](const keyed&) { throw rejected(reason); },
                       {.topics = {small}, .failure = to_dead_letters});
    const topic_partition source{small, partition_id(0)};
    EXPECT_TRUE(
        w.sim.run_until([&] { return w.cluster.script().committed("group", source) == offset(1); }, 1min));
    EXPECT_EQ(w.lines_with("could not be put elsewhere"), 0);
    w.end(*loop);
    std::vector<raw_handler::seen> dead;
    auto reader = w.join_with(
        {.topics = {topic_name("test.keyed.small.group.dlq")}, .handle = std::make_unique<raw_handler>(dead)},
        {.source = {.group = "reader"}});
    w.sim.run_for(5s);
    w.end(*reader);
    ASSERT_EQ(dead.size(), 1u);
    EXPECT_EQ(dead[0].its_headers.find("__dlq.errors.topic"), small.str());
    EXPECT_EQ(dead[0].its_headers.find("__dlq.errors.delivery.count"), "1");
    EXPECT_EQ(dead[0].its_headers.find("corvid-error-type"), "handler_rejected");
    EXPECT_FALSE(dead[0].its_headers.find("__dlq.errors.message").has_value());
    EXPECT_FALSE(dead[0].its_headers.find("corvid-error-stack").has_value());
}

TEST(dead_letters, one_function_says_what_an_error_means) {
    group_world w(5);
    int tries = 0;
    failure_settings knows = to_dead_letters;
    knows.classify = [](const error& why) -> std::optional<error_kind> {
        if (why.message() == "gone") return error_kind::rejected;
        return std::nullopt;
    };
    auto loop = w.join(
        [&](const keyed&) {
            ++tries;
            throw std::runtime_error("gone");
        },
        {.failure = knows});
    w.publish(5, 1);
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    EXPECT_EQ(tries, 5) << "rejected: no second attempt";
    w.end(*loop);
    EXPECT_EQ(w.dead_letters().size(), 5u);
}

TEST(retry_topics, are_named_by_their_delay) {
    const topic_name t("a.b");
    EXPECT_EQ(retry_topic(t, "g", 500ms), "a.b.g.retry.500ms");
    EXPECT_EQ(retry_topic(t, "g", 30s), "a.b.g.retry.30s");
    EXPECT_EQ(retry_topic(t, "g", 5min), "a.b.g.retry.5m");
    EXPECT_EQ(retry_topic(t, "g", 90min), "a.b.g.retry.90m");
    EXPECT_EQ(retry_topic(t, "g", 2h), "a.b.g.retry.2h");
}

class retry_topics_of : public testing::TestWithParam<order> {};

TEST_P(retry_topics_of, a_failing_record_goes_through_every_tier_in_its_time_and_nothing_waits_for_it) {
    group_world w(6);
    for (const char* tier : {"10s", "1m"})
        w.make_topic(topic_name("test.keyed.made.group.retry." + std::string(tier)));
    failure_settings tiers = to_dead_letters;
    tiers.retry.limit = 2;
    tiers.retry_topics = {10s, 1min};
    tiers.gives_up_order = true;
    std::vector<std::pair<int, duration>> tries; // attempt, since the first
    std::optional<steady_time> began;
    std::multiset<std::string> done_keys;
    auto loop = w.join(
        [&](const keyed& e, context& ctx) {
            if (e.key != "sick") return static_cast<void>(done_keys.insert(e.key));
            if (!began) began = w.sim.steady_now();
            tries.emplace_back(ctx.attempt(), w.sim.steady_now() - *began);
            if (e.n == 0) throw std::runtime_error("still sick");
        },
        {.order = GetParam(), .failure = tiers});
    w.publish("sick");
    w.publish(20, 5);
    w.sim.run_for(5s);
    EXPECT_EQ(done_keys.size(), 100u);
    EXPECT_TRUE(w.all_committed()) << "what is in a retry topic holds no offset";
    w.sim.run_for(2min);
    ASSERT_EQ(tries.size(), 6u) << "two attempts in each of three places";
    for (std::size_t i = 0; i < tries.size(); ++i)
        EXPECT_EQ(tries[i].first, static_cast<int>(i) + 1) << "attempts are counted across topics";
    EXPECT_GE(tries[2].second, 10s);
    EXPECT_LT(tries[2].second, 15s);
    EXPECT_GE(tries[4].second - tries[3].second, 60s);
    EXPECT_LT(tries[4].second - tries[3].second, 65s);
    EXPECT_EQ(w.end(*loop), loop_end::clean);

    const auto dead = w.dead_letters();
    ASSERT_EQ(dead.size(), 1u);
    EXPECT_EQ(dead[0].key, "sick");
    EXPECT_EQ(dead[0].its_headers.find("retry_count"), "5");
    EXPECT_EQ(dead[0].its_headers.find("__dlq.errors.topic"), keyed_topic.str()) << "its source, not a tier";
    EXPECT_EQ(dead[0].its_headers.find("__dlq.errors.offset"), "0");
    EXPECT_FALSE(dead[0].its_headers.find("corvid-retry-due-at").has_value());
    EXPECT_EQ(dead[0].its_headers.size(), 12u) << "each name once";
}

// What is not due is left where it is.
TEST(retry_topics, that_are_full_of_what_is_not_due_slow_no_other_record) {
    for (const int failing : {0, 2'000}) {
        group_world w(16, 4);
        w.make_topic(topic_name("test.keyed.made.group.retry.1h"));
        failure_settings tiers = to_dead_letters;
        tiers.retry = {.first = 5s, .factor = 1, .limit = 2, .jitter = 0};
        tiers.retry_topics = {1h};
        tiers.gives_up_order = true;
        std::map<std::string, int> tries;
        int healthy = 0, sick = 0;
        auto loop = w.join(
            [&](const keyed& e) {
                if (e.key.starts_with("bad") && ++sick <= 2 * failing) throw std::runtime_error("bad");
                if (e.key.starts_with("flaky") && ++tries[e.key] == 1) throw std::runtime_error("once");
                healthy += !e.key.starts_with("bad");
            },
            {.failure = tiers, .intake = {.waiting_bytes = 1 << 20}});
        for (int n = 0; n < failing; ++n)
            w.publish("bad" + std::string(1'000, 'x') + std::to_string(n));
        w.flush();
        w.sim.run_for(1min);
        for (int n = 0; n < 10'000; ++n)
            w.publish((n % 200 == 0 ? "flaky" : "good") + std::to_string(n));
        w.flush();
        EXPECT_TRUE(w.sim.run_until([&] { return healthy == 10'000; }, 7s))
            << healthy << " of 10,000 beside " << failing << "; " << loop->state().findings();
        EXPECT_TRUE(w.sim.run_until([&] { return sick == 3 * failing; }, 62min)) << "each comes in its time";
        w.end(*loop);
    }
}

INSTANTIATE_TEST_SUITE_P(orders, retry_topics_of, testing::Values(by_key, by_partition, unordered));

TEST(retry_topics, that_clash_are_refused_with_both_settings_named) {
    group_world w(7);
    failure_settings tiers = to_dead_letters;
    tiers.retry_topics = {10s};
    try {
        auto loop = w.join([](const keyed&) {}, {.failure = tiers});
        FAIL() << "it was taken";
    } catch (const config_error& e) {
        for (const char* name : {"retry_topics", "order", "gives_up_order"})
            EXPECT_NE(std::string(e.what()).find(name), std::string::npos) << e.what();
    }
}

} // namespace
} // namespace corvid::consume_test
