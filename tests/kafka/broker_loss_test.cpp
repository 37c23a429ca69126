// SPDX-License-Identifier: Apache-2.0
//
// What a client does while its broker is away, on librdkafka's mock.
#include "mock_cluster.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>

namespace corvid::kafka {
namespace {

using conformance::at;
using conformance::code_of;
using conformance::group_reader;
using conformance::let_pass;
using conformance::numbers;
using conformance::producer;
using namespace std::chrono_literals;

broker::source_settings reading() {
    return {.group = "g", .topics = {mock_topic}, .isolation = broker::isolation::read_uncommitted};
}

TEST(broker_loss, what_was_sent_meanwhile_arrives_when_the_broker_is_back) {
    mock_cluster mock;
    mock.create(mock_topic, 1);
    producer out(mock, {});
    out.deliver_numbers(at(mock_topic, 0), 0, 5);
    group_reader in(mock, reading());
    ASSERT_TRUE(in.await_records(at(mock_topic, 0), 5));
    mock.cut();
    for (int i = 5; i < 10; ++i)
        ASSERT_TRUE(out.send(mock_topic, {.value = std::to_string(i)}));
    let_pass(mock, 2s);
    EXPECT_EQ(out.reported().node_records, 5U);
    mock.mend();
    ASSERT_TRUE(in.await_records(at(mock_topic, 0), 10));
    EXPECT_EQ(in.values(at(mock_topic, 0)), numbers(0, 10));
    ASSERT_TRUE(out.await_reports(10));
    for (const auto& [number, fate] : out.reported().fates)
        EXPECT_FALSE(fate.failure) << number << ": " << fate.failure->describe();
}

TEST(broker_loss, a_member_is_told_by_errors_that_pass_and_not_without_end) {
    mock_cluster mock;
    mock.create(mock_topic, 1);
    producer(mock, {}).deliver_numbers(at(mock_topic, 0), 0, 1);
    group_reader in(mock, reading());
    ASSERT_TRUE(in.await_records(at(mock_topic, 0), 1));
    mock.cut();
    ASSERT_TRUE(in.await([](const auto& all) { return !all.errors.empty(); }));
    let_pass(mock, 5s);
    const auto notes = in.now();
    EXPECT_LE(notes.errors.size(), 50U);
    for (const broker::source_error& one : notes.errors)
        EXPECT_EQ(one.why.kind(), error_kind::retriable) << one.why.describe();
    mock.mend();
}

TEST(broker_loss, close_gives_up_in_time_and_says_of_each_record_that_it_is_not_written) {
    mock_cluster mock;
    mock.create(mock_topic, 1);
    producer out(mock, {});
    out.deliver_numbers(at(mock_topic, 0), 0, 1);
    mock.cut();
    let_pass(mock, 500ms);
    for (int i = 0; i < 100; ++i)
        ASSERT_TRUE(out.send(mock_topic, {.value = "x"}));
    const steady_time began = mock.root().steady_now();
    const auto closed = out.close(1s);
    EXPECT_LT(mock.root().steady_now() - began, 15s);
    ASSERT_FALSE(closed);
    EXPECT_EQ(closed.error().code(), errc::close_timed_out);
    EXPECT_NE(closed.error().message().find("100 records"), std::string::npos) << closed.error().describe();
    const auto all = out.reported();
    EXPECT_EQ(all.node_records, 101U);
    EXPECT_EQ(std::ranges::count_if(all.fates,
                                    [](const auto& one) {
                                        return one.second.reports == 1 &&
                                               one.second.failure == errc::not_persisted;
                                    }),
              100);
}

TEST(broker_loss, a_member_that_never_reached_a_broker_closes) {
    mock_cluster mock;
    mock.create(mock_topic, 1);
    mock.cut();
    group_reader in(mock, reading());
    ASSERT_TRUE(in.await([](const auto& all) { return !all.errors.empty(); }));
    in.close();
    EXPECT_TRUE(in.now().is_closed);
}

/// A member that has committed, and whose broker is away.
struct cut_member {
    cut_member() {
        mock.create(mock_topic, 1);
        producer(mock, {}).deliver_numbers(at(mock_topic, 0), 0, 5);
        in.emplace(mock, reading());
        EXPECT_TRUE(in->await_records(at(mock_topic, 0), 5));
        EXPECT_FALSE(code_of(in->commit(
            {{.where = at(mock_topic, 0), .next = offset(3), .metadata = "corvid1;starts=2"}})[0]));
        mock.cut();
        EXPECT_TRUE(in->await([](const auto& all) { return !all.errors.empty(); }));
    }
    std::future<broker::committed_offset> ask() {
        return std::async(std::launch::async, [this] { return in->committed({at(mock_topic, 0)})[0]; });
    }
    mock_cluster mock;
    std::optional<group_reader> in;
};

TEST(broker_loss, committed_offsets_come_when_the_broker_is_back) {
    cut_member member;
    auto answer = member.ask();
    EXPECT_EQ(answer.wait_for(3s), std::future_status::timeout);
    member.mock.mend();
    const broker::committed_offset known = answer.get();
    EXPECT_FALSE(known.failure) << known.failure->describe();
    EXPECT_EQ(known.next, offset(3));
    EXPECT_EQ(known.metadata, "corvid1;starts=2");
}

TEST(broker_loss, a_question_for_committed_offsets_ends_with_an_error_that_passes) {
    cut_member member;
    const steady_time began = member.mock.root().steady_now();
    const broker::committed_offset known = member.ask().get();
    EXPECT_LT(member.mock.root().steady_now() - began, 15s);
    ASSERT_TRUE(known.failure);
    EXPECT_EQ(known.failure->kind(), error_kind::retriable) << known.failure->describe();
    member.mock.mend();
}

TEST(broker_loss, a_question_for_committed_offsets_does_not_outlive_its_member) {
    cut_member member;
    auto answer = member.ask();
    EXPECT_EQ(answer.wait_for(300ms), std::future_status::timeout);
    const steady_time began = member.mock.root().steady_now();
    member.in->vanish();
    EXPECT_EQ(answer.get().failure, errc::stopped);
    EXPECT_LT(member.mock.root().steady_now() - began, 1s);
    member.mock.mend();
}

TEST(broker_loss, an_admin_answers_within_its_timeout) {
    mock_cluster mock;
    mock.cut();
    const auto admin = mock.cluster().open_admin();
    const steady_time began = mock.root().steady_now();
    const auto listed = admin->list_topics(1s);
    ASSERT_FALSE(listed);
    EXPECT_EQ(listed.error().kind(), error_kind::retriable) << listed.error().describe();
    EXPECT_FALSE(admin->create_topic({.name = mock_topic}, 1s));
    EXPECT_LT(mock.root().steady_now() - began, 10s);
}

} // namespace
} // namespace corvid::kafka
