// SPDX-License-Identifier: Apache-2.0
//
// group_topics, and what a loop does with a topic that two patterns match.
#include <corvid/consume/detail/group_world_test.hpp>
#include <corvid/consume/group/topics.hpp>

namespace corvid {
namespace {

using namespace std::chrono_literals;

std::vector<subscription> all_of(subscription a, subscription b) {
    std::vector<subscription> both;
    both.push_back(std::move(a));
    both.push_back(std::move(b));
    return both;
}

group_topics topics_of(subscription a, subscription b) {
    return group_topics::of("g.h", all_of(std::move(a), std::move(b))).value();
}

/// Whose it is: the subscription's place, or -1.
int reader_of(const group_topics& of, const char* topic) {
    const auto its = of.find(topic_name(topic));
    return its ? static_cast<int>(its->subscription) : -1;
}

TEST(group_topics, a_named_topic_and_its_retry_topics_are_the_subscriptions_that_names_it) {
    const auto topics =
        topics_of({.name = "one", .topics = {topic_name("a.b")}, .failure = {.retry_topics = {10s, 1min}}},
                  {.name = "two", .pattern = "a\\..*\\..*"});
    EXPECT_EQ(reader_of(topics, "a.b"), 0);
    EXPECT_EQ(reader_of(topics, "a.b.c"), 1);
    const auto tier = topics.find(topic_name("a.b.g.h.retry.1m"));
    ASSERT_TRUE(tier);
    EXPECT_EQ(tier->subscription, 0u);
    EXPECT_EQ(tier->home, topic_name("a.b"));
    EXPECT_EQ(tier->tier, 2u);
}

TEST(group_topics, a_pattern_reads_nothing_that_its_own_group_writes_nor_what_is_derived_from_that) {
    const auto topics = topics_of({.name = "one", .pattern = "^a\\..*"}, {.name = "two", .pattern = "b"});
    for (const char* own : {"a.b.g.h.dlq", "a.b.g.h.parked", "a.b.g.h.parked-keys", "a.b.g.h.retry.10s",
                            "a.b.g.h.dlq.g.h.dlq", "a.b.g.h.dlq.other.dlq"})
        EXPECT_EQ(reader_of(topics, own), -1) << own;
    for (const char* other :
         {"a.b", "a.b.other.dlq", "a.b.gxh.dlq", "a.b.g.h", "a.g.h.dlqs", "a.b.g.h.parkeds"})
        EXPECT_EQ(reader_of(topics, other), 0) << other;
    broker::source_settings with;
    topics.subscribe(with);
    const auto except = topic_pattern::of(with.except).value();
    EXPECT_TRUE(except.matches(topic_name("a.b.g.h.dlq"))) << "the client is told so";
    EXPECT_FALSE(except.matches(topic_name("a.b.other.dlq")));
}

TEST(group_topics, dead_letters_of_its_own_can_be_named) {
    const auto topics = topics_of({.name = "one", .pattern = "^a\\..*"},
                                  {.name = "two", .topics = {topic_name("a.b.g.h.dlq")}});
    EXPECT_EQ(reader_of(topics, "a.b.g.h.dlq"), 1);
}

TEST(group_topics, of_two_subscriptions_that_read_one_topic_are_refused_with_both_names) {
    const auto why = [](subscription a, subscription b) {
        a.name = "one";
        b.name = "two";
        const auto made = group_topics::of("g.h", all_of(std::move(a), std::move(b)));
        return made ? std::string() : made.error().describe();
    };
    const topic_name topic("a.b");
    for (const auto& said :
         {why({.pattern = "a\\..*"}, {.topics = {topic}}), why({.pattern = "a.*"}, {.pattern = "a.*"}),
          why({.topics = {topic}, .failure = {.retry_topics = {10s}}},
              {.topics = {topic_name("a.b.g.h.retry.10s")}})})
        for (const char* name : {"\"one\"", "\"two\"", "g.h"})
            EXPECT_NE(said.find(name), std::string::npos) << said;
    EXPECT_EQ(why({.topics = {topic}}, {.pattern = ".\\.b\\.c|x"}), "") << "names are matched as a whole";
    EXPECT_NE(why({.topics = {topic}}, {.pattern = "("}).find("\"two\""), std::string::npos);
}

TEST(group_topics, what_two_patterns_match_is_neithers_and_says_so) {
    const auto topics =
        topics_of({.name = "one", .pattern = "shop\\..*"}, {.name = "two", .pattern = ".*\\.placed"});
    EXPECT_EQ(reader_of(topics, "shop.order.paid"), 0);
    EXPECT_EQ(reader_of(topics, "plane.seat.placed"), 1);
    const auto both = topics.find(topic_name("shop.order.placed"));
    ASSERT_FALSE(both);
    EXPECT_EQ(both.error().code(), errc::group_conflict);
    for (const char* name : {"\"one\"", "\"two\"", "shop.order.placed"})
        EXPECT_NE(both.error().message().find(name), std::string::npos);
}

TEST(group_topics, a_topic_that_two_patterns_match_stops_and_is_named_and_others_go_on) {
    consume_test::group_world w(1);
    const topic_name other("test.keyed.other");
    w.make_topic(other);
    std::vector<consume_test::raw_handler::seen> seen;
    std::vector<subscription> both = all_of({.name = "one", .pattern = "test\\..*\\.(made|other)"},
                                            {.name = "two", .pattern = ".*\\.made"});
    for (auto& each : both)
        each.handle = std::make_unique<consume_test::raw_handler>(seen);
    group_loop loop(w.cluster, w.sim, {.source = {.group = "group"}}, std::move(both), w.quiet, nullptr);
    loop.start();
    w.publish(10, 1);
    message_producer to(*w.out);
    ASSERT_TRUE(to.post(**to.topic(other.str()), "k", "{\"key\":\"k\",\"n\":0}", {}));
    w.flush();
    w.sim.run_for(5s);
    EXPECT_EQ(seen.size(), 1u) << "of the other topic";
    EXPECT_NE(loop.state().stopped().find("test.keyed.made[0]"), std::string::npos) << loop.state().stopped();
    EXPECT_NE(loop.state().stopped().find("\"two\""), std::string::npos) << loop.state().stopped();
    EXPECT_EQ(w.committed(0), 0) << "nothing of it is passed over";
    EXPECT_EQ(w.end(loop), loop_end::clean);
}

} // namespace
} // namespace corvid
