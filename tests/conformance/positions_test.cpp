// SPDX-License-Identifier: Apache-2.0
#include "harness.hpp"

namespace corvid::conformance {

using broker::offset_reset;

TEST_P(conformance, a_group_goes_on_where_it_committed) {
    const topic_name topic = make_topic(1);
    open_producer()->deliver_numbers(at(topic, 0), 0, 10);
    const std::string group = fresh("group");
    {
        const auto first = open_reader(reading(group, {topic}));
        ASSERT_TRUE(first->await_records(at(topic, 0), 10));
        EXPECT_FALSE(code_of(first->commit({{.where = at(topic, 0), .next = offset(6)}})[0]));
    }
    const auto second = open_reader(reading(group, {topic}));
    ASSERT_TRUE(second->await_records(at(topic, 0), 4));
    EXPECT_EQ(second->values(at(topic, 0)), numbers(6, 4));
}

TEST_P(conformance, what_was_committed_reads_back_with_its_metadata) {
    const topic_name topic = make_topic(2);
    const std::string group = fresh("group");
    const auto reader = open_reader(reading(group, {topic}));
    ASSERT_TRUE(reader->await_owned(2));
    ASSERT_FALSE(code_of(
        reader->commit({{.where = at(topic, 1), .next = offset(0), .metadata = "corvid1;starts=2"}})[0]));
    const auto read = reader->committed({at(topic, 0), at(topic, 1)});
    ASSERT_EQ(read.size(), 2U);
    EXPECT_FALSE(code_of(read[0]));
    EXPECT_EQ(read[0].next, std::nullopt);
    EXPECT_EQ(read[1].next, offset(0));
    EXPECT_EQ(read[1].metadata, "corvid1;starts=2");
}

TEST_P(conformance, a_later_commit_replaces_the_earlier) {
    const topic_name topic = make_topic(1);
    open_producer()->deliver_numbers(at(topic, 0), 0, 5);
    const auto reader = open_reader(reading(fresh("group"), {topic}));
    ASSERT_TRUE(reader->await_owned(1));
    for (const std::int64_t next : {1, 4, 2})
        ASSERT_FALSE(code_of(reader->commit({{.where = at(topic, 0), .next = offset(next)}})[0]));
    EXPECT_EQ(reader->committed({at(topic, 0)})[0].next, offset(2));
}

TEST_P(conformance, a_partition_starts_at_the_offset_that_is_given) {
    const topic_name topic = make_topic(1);
    open_producer()->deliver_numbers(at(topic, 0), 0, 10);
    const auto reader = open_reader(reading(fresh("group"), {topic}), {.accepts = false});
    ASSERT_TRUE(reader->await_owned(1));
    reader->accept(at(topic, 0), offset(7));
    ASSERT_TRUE(reader->await_records(at(topic, 0), 3));
    EXPECT_EQ(reader->values(at(topic, 0)), numbers(7, 3));
}

TEST_P(conformance, nothing_flows_before_a_partition_is_accepted) {
    const topic_name topic = make_topic(1);
    open_producer()->deliver_numbers(at(topic, 0), 0, 3);
    const auto reader = open_reader(reading(fresh("group"), {topic}), {.accepts = false});
    ASSERT_TRUE(reader->await_owned(1));
    let_pass(under(), 300ms);
    EXPECT_EQ(reader->take(at(topic, 0), 10), 0U);
    reader->accept(at(topic, 0));
    EXPECT_TRUE(reader->await_records(at(topic, 0), 3));
}

TEST_P(conformance, without_a_commit_earliest_starts_at_the_begin) {
    const topic_name topic = make_topic(1);
    open_producer()->deliver_numbers(at(topic, 0), 0, 3);
    auto settings = reading(fresh("group"), {topic});
    settings.reset = offset_reset::earliest;
    const auto reader = open_reader(settings);
    ASSERT_TRUE(reader->await_records(at(topic, 0), 3));
    EXPECT_EQ(reader->values(at(topic, 0)), numbers(0, 3));
}

// When a member has found the end is its own matter: records are sent until the first arrives.
TEST_P(conformance, without_a_commit_latest_starts_at_the_end) {
    const topic_name topic = make_topic(1);
    const auto producer = open_producer();
    producer->deliver_numbers(at(topic, 0), 0, 10);
    auto settings = reading(fresh("group"), {topic});
    settings.reset = offset_reset::latest;
    const auto reader = open_reader(settings);
    ASSERT_TRUE(reader->await_owned(1));
    for (int i = 10; i < 200 && reader->values(at(topic, 0)).empty(); ++i) {
        producer->deliver_numbers(at(topic, 0), i, 1);
        let_pass(under(), 100ms);
    }
    const std::vector<seen_record> seen = reader->now().records[at(topic, 0)];
    ASSERT_FALSE(seen.empty());
    EXPECT_GE(seen[0].offset, 10);
}

TEST_P(conformance, without_a_commit_error_refuses_to_start) {
    const topic_name topic = make_topic(1);
    open_producer()->deliver_numbers(at(topic, 0), 0, 3);
    auto settings = reading(fresh("group"), {topic});
    settings.reset = offset_reset::error;
    const auto reader = open_reader(settings);
    ASSERT_TRUE(reader->await([](const auto& all) { return !all.errors.empty(); }));
    const error why = reader->now().errors[0].why;
    EXPECT_EQ(why.code(), errc::no_committed_offset) << why.describe();
    EXPECT_EQ(why.kind(), error_kind::fatal);
    EXPECT_EQ(why.topic(), topic.str());
    EXPECT_TRUE(reader->values(at(topic, 0)).empty());
}

TEST_P(conformance, a_committed_offset_beyond_the_log_is_reset_and_told) {
    const topic_name topic = make_topic(1);
    open_producer()->deliver_numbers(at(topic, 0), 0, 3);
    const std::string group = fresh("group");
    {
        const auto first = open_reader(reading(group, {topic}));
        ASSERT_TRUE(first->await_records(at(topic, 0), 3));
        EXPECT_FALSE(code_of(first->commit({{.where = at(topic, 0), .next = offset(70)}})[0]));
    }
    const auto second = open_reader(reading(group, {topic}));
    ASSERT_TRUE(second->await_records(at(topic, 0), 3));
    EXPECT_EQ(second->values(at(topic, 0)), numbers(0, 3));
    ASSERT_TRUE(second->await([](const auto& all) { return !all.errors.empty(); }));
    const error why = second->now().errors[0].why;
    EXPECT_EQ(why.code(), errc::position_reset) << why.describe();
    EXPECT_EQ(why.topic(), topic.str());
    EXPECT_EQ(why.partition(), 0);
}

TEST_P(conformance, take_brings_no_more_than_asked_and_leaves_the_rest) {
    const topic_name topic = make_topic(1);
    open_producer()->deliver_numbers(at(topic, 0), 0, 10);
    const auto reader = open_reader(reading(fresh("group"), {topic}), {.takes = false});
    ASSERT_TRUE(reader->await_owned(1));
    ASSERT_TRUE(eventually(under(), [&] {
        reader->take(at(topic, 0), 3);
        return reader->values(at(topic, 0)).size() == 10;
    }));
    EXPECT_EQ(reader->values(at(topic, 0)), numbers(0, 10));
    EXPECT_EQ(reader->take(at(topic, 0), 3), 0U);
}

TEST_P(conformance, an_undrained_partition_holds_nothing_else_back) {
    const topic_name topic = make_topic(2);
    const auto producer = open_producer();
    producer->deliver_numbers(at(topic, 0), 0, 1'000);
    producer->deliver_numbers(at(topic, 1), 0, 1'000);
    const auto reader = open_reader(reading(fresh("group"), {topic}), {.takes = false});
    ASSERT_TRUE(reader->await_owned(2));
    const auto drain = [&](std::int32_t partition) {
        return eventually(under(), [&, partition] {
            reader->take(at(topic, partition), 1'000);
            return reader->values(at(topic, partition)).size() == 1'000;
        });
    };
    ASSERT_TRUE(drain(1));
    EXPECT_TRUE(reader->values(at(topic, 0)).empty());
    ASSERT_TRUE(drain(0));
    EXPECT_EQ(reader->values(at(topic, 0)), numbers(0, 1'000));
    EXPECT_EQ(reader->values(at(topic, 1)), numbers(0, 1'000));
}

TEST_P(conformance, a_drained_member_hears_of_new_records) {
    const topic_name topic = make_topic(1);
    const auto producer = open_producer();
    const auto reader = open_reader(reading(fresh("group"), {topic}));
    ASSERT_TRUE(reader->await_owned(1));
    for (int i = 0; i < 5; ++i) {
        producer->deliver_numbers(at(topic, 0), i, 1);
        ASSERT_TRUE(reader->await_records(at(topic, 0), static_cast<std::size_t>(i) + 1)) << i;
    }
    EXPECT_EQ(reader->values(at(topic, 0)), numbers(0, 5));
}

TEST_P(conformance, progress_tells_position_and_end) {
    const topic_name topic = make_topic(1);
    const auto producer = open_producer();
    producer->deliver_numbers(at(topic, 0), 0, 10);
    const auto reader = open_reader(reading(fresh("group"), {topic}), {.takes = false, .most = 4});
    ASSERT_TRUE(reader->await_owned(1));
    ASSERT_TRUE(eventually(under(), [&] { return reader->take(at(topic, 0), 4) != 0; }));
    const auto taken = static_cast<std::int64_t>(reader->values(at(topic, 0)).size());
    EXPECT_EQ(reader->progress(at(topic, 0)).position, offset(taken));
    reader->change({});
    ASSERT_TRUE(reader->await_records(at(topic, 0), 10));
    EXPECT_TRUE(eventually(under(), [&] {
        const auto far = reader->progress(at(topic, 0));
        return far.position == offset(10) && far.end == offset(10);
    }));
}

TEST_P(conformance, gaps_between_offsets_are_no_errors) {
    const topic_name topic = make_topic(1);
    const auto producer = open_producer();
    producer->deliver_numbers(at(topic, 0), 0, 5);
    under().leave_gap(at(topic, 0));
    producer->deliver_numbers(at(topic, 0), 5, 5);
    under().leave_gap(at(topic, 0));
    const auto reader = open_reader(reading(fresh("group"), {topic}));
    ASSERT_TRUE(reader->await_records(at(topic, 0), 10));
    EXPECT_EQ(reader->values(at(topic, 0)), numbers(0, 10));
    const auto notes = reader->now();
    EXPECT_TRUE(notes.errors.empty());
    EXPECT_GT(notes.records.at(at(topic, 0))[5].offset, 5);
    const auto range = open_admin()->range_of(at(topic, 0), 30s);
    ASSERT_TRUE(range);
    EXPECT_TRUE(eventually(under(), [&] { return reader->progress(at(topic, 0)).position == range->end; }))
        << "the trailing gap shows as lag";
}

} // namespace corvid::conformance
