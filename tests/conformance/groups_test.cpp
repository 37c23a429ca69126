// SPDX-License-Identifier: Apache-2.0
#include "harness.hpp"

#include <algorithm>

namespace corvid::conformance {

namespace {

std::set<topic_partition> owned(group_reader& reader) {
    std::set<topic_partition> all;
    for (const auto& [where, place] : reader.now().owned)
        all.insert(where);
    return all;
}

bool both_own(group_reader& one, group_reader& other, std::size_t each) {
    return one.await_owned(each) && other.await_owned(each) && one.await_owned(each);
}

} // namespace

TEST_P(conformance, members_of_a_group_share_its_partitions) {
    const topic_name topic = make_topic(4);
    const std::string group = fresh("group");
    const auto first = open_reader(reading(group, {topic}));
    ASSERT_TRUE(first->await_owned(4));
    const auto second = open_reader(reading(group, {topic}));
    ASSERT_TRUE(both_own(*first, *second, 2));
    std::set<topic_partition> all = owned(*first);
    all.merge(owned(*second));
    EXPECT_EQ(all.size(), 4U);
}

TEST_P(conformance, the_range_of_a_member_is_consecutive) {
    const topic_name topic = make_topic(5);
    const std::string group = fresh("group");
    const auto first = open_reader(reading(group, {topic}));
    ASSERT_TRUE(first->await_owned(5));
    const auto second = open_reader(reading(group, {topic}));
    ASSERT_TRUE(eventually(under(), [&] {
        return owned(*first).size() + owned(*second).size() == 5 && !owned(*second).empty() &&
               !owned(*first).empty();
    }));
    const std::set<topic_partition> larger = owned(*first).size() == 3 ? owned(*first) : owned(*second);
    EXPECT_EQ(larger, (std::set{at(topic, 0), at(topic, 1), at(topic, 2)}));
}

TEST_P(conformance, groups_do_not_see_one_another) {
    const topic_name topic = make_topic(1);
    open_producer()->deliver_numbers(at(topic, 0), 0, 5);
    const auto first = open_reader(reading(fresh("group"), {topic}));
    const auto second = open_reader(reading(fresh("group"), {topic}));
    ASSERT_TRUE(first->await_records(at(topic, 0), 5));
    ASSERT_TRUE(second->await_records(at(topic, 0), 5));
}

TEST_P(conformance, what_a_member_leaves_goes_to_the_others) {
    const topic_name topic = make_topic(4);
    const std::string group = fresh("group");
    const auto first = open_reader(reading(group, {topic}));
    const auto second = open_reader(reading(group, {topic}));
    ASSERT_TRUE(both_own(*first, *second, 2));
    second->close();
    EXPECT_TRUE(first->await_owned(4));
}

TEST_P(conformance, a_member_that_vanishes_loses_its_partitions_to_the_others) {
    const topic_name topic = make_topic(4);
    const std::string group = fresh("group");
    const auto first = open_reader(reading(group, {topic}));
    const auto second = open_reader(reading(group, {topic}));
    ASSERT_TRUE(both_own(*first, *second, 2));
    second->vanish();
    EXPECT_TRUE(first->await_owned(4));
}

// The heart of a safe rebalance: work drains and is committed while the revoke is held, and the next owner
// starts there.
TEST_P(conformance, a_revoked_partition_waits_for_its_release_and_commit) {
    const topic_name topic = make_topic(2);
    const auto producer = open_producer();
    for (const int partition : {0, 1})
        producer->deliver_numbers(at(topic, partition), 0, 10);
    const std::string group = fresh("group");
    const auto first = open_reader(reading(group, {topic}), {.releases = false});
    for (const int partition : {0, 1})
        ASSERT_TRUE(first->await_records(at(topic, partition), 10));
    const auto second = open_reader(reading(group, {topic}));
    ASSERT_TRUE(first->await([](const auto& all) { return all.revoke_waits; }));
    let_pass(under(), 500ms);
    EXPECT_TRUE(second->now().owned.empty()) << "a partition had two owners";
    for (const int partition : {0, 1})
        EXPECT_FALSE(code_of(first->commit({{.where = at(topic, partition), .next = offset(10)}})[0]));
    first->release();
    ASSERT_TRUE(both_own(*first, *second, 1));
    for (const int partition : {0, 1})
        producer->deliver_numbers(at(topic, partition), 10, 3);
    const topic_partition moved = *owned(*second).begin();
    ASSERT_TRUE(second->await_records(moved, 3));
    EXPECT_EQ(second->values(moved), numbers(10, 3));
    EXPECT_EQ(first->now().losses, 0);
}

TEST_P(conformance, a_commit_for_another_members_partition_is_refused_and_harmless) {
    const topic_name topic = make_topic(2);
    open_producer()->deliver_numbers(at(topic, 0), 0, 10);
    const std::string group = fresh("group");
    const auto first = open_reader(reading(group, {topic}));
    ASSERT_TRUE(first->await_owned(2));
    const auto second = open_reader(reading(group, {topic}));
    ASSERT_TRUE(both_own(*first, *second, 1));
    const topic_partition moved = *owned(*second).begin();
    ASSERT_FALSE(code_of(second->commit({{.where = moved, .next = offset(0), .metadata = "mine"}})[0]));
    EXPECT_EQ(code_of(first->commit({{.where = moved, .next = offset(9)}})[0]), errc::assignment_lost);
    const auto kept = second->committed({moved})[0];
    EXPECT_EQ(kept.next, offset(0));
    EXPECT_EQ(kept.metadata, "mine");
}

TEST_P(conformance, a_member_that_holds_a_revoke_too_long_loses_the_partition) {
    const topic_name topic = make_topic(2);
    const std::string group = fresh("group");
    auto settings = reading(group, {topic});
    settings.max_poll_interval = settings.session_timeout;
    const auto first = open_reader(settings, {.releases = false});
    ASSERT_TRUE(first->await_owned(2));
    const auto second = open_reader(settings);
    ASSERT_TRUE(first->await([](const auto& all) { return all.revoke_waits; }));
    ASSERT_TRUE(second->await_owned(2)) << "the late member was not evicted";
    ASSERT_FALSE(code_of(second->commit({{.where = at(topic, 0), .next = offset(0)}})[0]));
    EXPECT_EQ(code_of(first->commit({{.where = at(topic, 0), .next = offset(7)}})[0]), errc::assignment_lost);
    EXPECT_EQ(second->committed({at(topic, 0)})[0].next, offset(0));
    first->change({});
    first->release();
    EXPECT_TRUE(both_own(*first, *second, 1)) << "the evicted member did not come back";
}

TEST_P(conformance, close_gives_back_what_is_assigned_before_it_ends) {
    const topic_name topic = make_topic(1);
    open_producer()->deliver_numbers(at(topic, 0), 0, 5);
    const std::string group = fresh("group");
    const auto reader = open_reader(reading(group, {topic}), {.releases = false});
    ASSERT_TRUE(reader->await_records(at(topic, 0), 5));
    reader->start_close();
    ASSERT_TRUE(reader->await([](const auto& all) { return all.revoke_waits; }));
    EXPECT_FALSE(reader->now().is_closed);
    EXPECT_FALSE(code_of(reader->commit({{.where = at(topic, 0), .next = offset(5)}})[0]));
    reader->release();
    ASSERT_TRUE(reader->await([](const auto& all) { return all.is_closed; }));
    EXPECT_EQ(reader->now().losses, 0);
    const auto next = open_reader(reading(group, {topic}));
    ASSERT_TRUE(next->await_owned(1));
    EXPECT_EQ(next->committed({at(topic, 0)})[0].next, offset(5));
}

TEST_P(conformance, close_of_a_member_without_partitions_ends_at_once) {
    const topic_name topic = make_topic(1);
    const std::string group = fresh("group");
    const auto first = open_reader(reading(group, {topic}));
    ASSERT_TRUE(first->await_owned(1));
    const auto second = open_reader(reading(group, {topic}));
    ASSERT_TRUE(eventually(under(), [&] { return owned(*first).size() + owned(*second).size() == 1; }));
    const auto idle = owned(*first).empty() ? first.get() : second.get();
    idle->close();
    EXPECT_TRUE((idle == first.get() ? second : first)->await_owned(1));
}

TEST_P(conformance, an_offset_request_is_answered_even_when_the_member_closes) {
    const topic_name topic = make_topic(1);
    const auto reader = open_reader(reading(fresh("group"), {topic}));
    ASSERT_TRUE(reader->await_owned(1));
    reader->start_close();
    (void)reader->commit({{.where = at(topic, 0), .next = offset(0)}});
    EXPECT_TRUE(reader->await([](const auto& all) { return all.is_closed; }));
    EXPECT_NE(code_of(reader->commit({{.where = at(topic, 0), .next = offset(0)}})[0]), std::nullopt);
}

TEST_P(conformance, a_static_member_that_comes_back_gets_what_it_had_and_nobody_notices) {
    const topic_name topic = make_topic(4);
    const std::string group = fresh("group");
    auto settings = reading(group, {topic});
    settings.session_timeout *= 3;
    settings.instance_id = "a";
    auto first = open_reader(settings);
    settings.instance_id = "b";
    const auto second = open_reader(settings);
    ASSERT_TRUE(both_own(*first, *second, 2));
    const std::set<topic_partition> had = owned(*first);
    const int revokes = second->now().revokes;
    first->close();
    first.reset();
    settings.instance_id = "a";
    const auto again = open_reader(settings);
    ASSERT_TRUE(again->await_owned(2));
    EXPECT_EQ(owned(*again), had);
    EXPECT_EQ(second->now().revokes, revokes);
    EXPECT_EQ(second->now().losses, 0);
}

TEST_P(conformance, a_pattern_reads_the_topics_that_match) {
    const std::string word = fresh("pattern");
    const auto admin = open_admin();
    for (const char* last : {".one", ".two"})
        ASSERT_TRUE(
            admin->create_topic({.name = topic_name("conformance." + word + last), .partitions = 2}, 30s));
    (void)make_topic(1);
    auto settings = reading(fresh("group"), {});
    settings.pattern = "^conformance\\." + word + "\\..*";
    const auto reader = open_reader(settings);
    ASSERT_TRUE(reader->await_owned(4));
    for (const topic_partition& one : owned(*reader))
        EXPECT_TRUE(one.topic.str().starts_with("conformance." + word + ".")) << to_string(one);
}

TEST_P(conformance, a_pattern_reads_whole_names_and_not_what_is_excepted) {
    const std::string word = fresh("except");
    const auto admin = open_admin();
    for (const char* last : {".one", ".one.more", ".one.g.dlq", ".one.g.dlq.deep", ".two.g.dlq"})
        ASSERT_TRUE(
            admin->create_topic({.name = topic_name("conformance." + word + last), .partitions = 1}, 30s));
    for (const bool names_one : {false, true}) {
        auto settings = reading(fresh("group"), {});
        settings.pattern = "(conformance\\.";
        ((settings.pattern += word) += "\\.one)|(^conformance\\.") += word;
        settings.pattern += "\\..*dlq.*)";
        settings.except = ".*\\.g\\.dlq(\\..*)?";
        const topic_name named("conformance." + word + ".two.g.dlq");
        if (names_one) settings.topics = {named};
        const auto reader = open_reader(settings);
        ASSERT_TRUE(reader->await_owned(names_one ? 2 : 1));
        let_pass(under(), 2s);
        std::set<std::string> names;
        for (const topic_partition& one : owned(*reader))
            names.insert(one.topic.str());
        std::set<std::string> expected = {"conformance." + word + ".one"};
        if (names_one) expected.insert(named.str());
        EXPECT_EQ(names, expected);
        reader->close();
    }
}

TEST_P(conformance, a_member_is_told_of_a_topic_that_does_not_exist) {
    const topic_name topic = make_topic(1);
    const topic_name missing(fresh("conformance.missing"));
    const auto reader = open_reader(reading(fresh("group"), {topic, missing}));
    ASSERT_TRUE(reader->await([&](const auto& all) {
        return std::ranges::any_of(all.errors, [&](const auto& one) {
            return one.why == errc::unknown_topic && one.why.topic() == missing.str();
        });
    }));
    EXPECT_TRUE(reader->await_owned(1));
}

} // namespace corvid::conformance
