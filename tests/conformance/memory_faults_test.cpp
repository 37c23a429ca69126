// SPDX-License-Identifier: Apache-2.0
//
// What only the in-process broker can be told to do: its scripted faults.
#include "harness.hpp"
#include "memory_broker.hpp"

#include <algorithm>
#include <set>

namespace corvid::conformance {

namespace {

std::set<topic_partition> owned(group_reader& by) {
    std::set<topic_partition> all;
    for (const auto& [where, rest] : by.now().owned)
        all.insert(where);
    return all;
}

class memory_faults : public testing::Test, protected with_broker {
protected:
    void SetUp() override {
        auto made = std::make_unique<memory_on_simulation>();
        cluster_ = &made->cluster();
        use(std::move(made));
    }
    [[nodiscard]] memory::faults& script() { return cluster_->script(); }
    [[nodiscard]] steady_time now() { return under().root().steady_now(); }

private:
    memory::cluster* cluster_ = nullptr;
};

} // namespace

TEST_F(memory_faults, sends_wait_in_order_while_the_broker_is_down) {
    const topic_name topic = make_topic(1);
    const auto producer = open_producer();
    const auto reader = open_reader(reading("group", {topic}));
    ASSERT_TRUE(reader->await_owned(1));
    script().broker_down();
    for (const std::string& text : numbers(0, 50))
        ASSERT_TRUE(producer->send(topic, {.value = text}));
    let_pass(under(), 30s);
    EXPECT_TRUE(producer->reported().fates.empty());
    EXPECT_TRUE(reader->values(at(topic, 0)).empty());
    script().broker_up();
    ASSERT_TRUE(reader->await_records(at(topic, 0), 50));
    EXPECT_EQ(reader->values(at(topic, 0)), numbers(0, 50));
    ASSERT_TRUE(producer->await_reports(50));
    EXPECT_EQ(producer->reported().warnings, 1);
}

TEST_F(memory_faults, a_send_fails_unpersisted_when_the_broker_stays_down) {
    const topic_name topic = make_topic(1);
    const auto producer = open_producer({.message_timeout = 10s});
    script().broker_down();
    const steady_time before = now();
    const auto sent = producer->send(topic, {.value = "x"});
    ASSERT_TRUE(sent);
    ASSERT_TRUE(producer->post(topic, {.value = "x"}));
    ASSERT_TRUE(producer->await_reports(2));
    EXPECT_GE(now() - before, 10s);
    const auto seen = producer->reported();
    EXPECT_EQ(seen.fates.at(*sent).failure->code(), errc::not_persisted);
    EXPECT_EQ(seen.fates.at(*sent).persisted, broker::persistence::no);
    EXPECT_EQ(seen.failed_posts, 1U);
    script().broker_up();
    EXPECT_EQ(open_admin()->range_of(at(topic, 0), 1s)->end, offset(0));
}

TEST_F(memory_faults, sources_are_told_and_go_on_when_the_broker_returns) {
    const topic_name topic = make_topic(2);
    const auto producer = open_producer();
    const auto reader = open_reader(reading("group", {topic}));
    ASSERT_TRUE(reader->await_owned(2));
    script().broker_down();
    ASSERT_TRUE(reader->await([](const auto& all) { return !all.errors.empty(); }));
    EXPECT_EQ(reader->now().errors[0].why.code(), errc::broker_unreachable);
    EXPECT_EQ(reader->now().errors[0].why.kind(), error_kind::retriable);
    EXPECT_EQ(code_of(reader->commit({{.where = at(topic, 0), .next = offset(0)}})[0]),
              errc::broker_unreachable);
    EXPECT_EQ(open_admin()->list_topics(1s).error().code(), errc::broker_unreachable);
    let_pass(under(), 60s);
    script().broker_up();
    producer->deliver_numbers(at(topic, 1), 0, 3);
    EXPECT_TRUE(reader->await_records(at(topic, 1), 3));
    EXPECT_EQ(reader->now().losses + reader->now().revokes, 0);
}

TEST_F(memory_faults, who_joins_while_the_broker_is_down_is_assigned_when_it_returns) {
    const topic_name topic = make_topic(2);
    const auto first = open_reader(reading("group", {topic}));
    ASSERT_TRUE(first->await_owned(2));
    script().broker_down();
    const auto second = open_reader(reading("group", {topic}));
    let_pass(under(), 30s);
    EXPECT_EQ(first->now().owned.size(), 2U);
    script().broker_up();
    EXPECT_TRUE(second->await_owned(1));
    EXPECT_TRUE(first->await_owned(1));
}

TEST_F(memory_faults, scripted_sends_fail_as_scripted_and_the_next_succeed) {
    const topic_name topic = make_topic(1);
    const auto producer = open_producer();
    script().fail_sends(2, error(errc::not_persisted));
    for (int i = 0; i < 2; ++i)
        EXPECT_EQ(producer->deliver(topic, {.value = "lost"}).error().code(), errc::not_persisted);
    EXPECT_EQ(producer->deliver(topic, {.value = "kept"})->offset, offset(0));
    script().fail_sends(1, error(errc::possibly_persisted), broker::persistence::possibly);
    const auto number = producer->send(topic, {.value = "perhaps"});
    ASSERT_TRUE(producer->await_reports(4));
    EXPECT_EQ(producer->reported().fates.at(*number).persisted, broker::persistence::possibly);
    EXPECT_EQ(open_admin()->range_of(at(topic, 0), 1s)->end, offset(2)) << "it was written all the same";
}

TEST_F(memory_faults, a_failed_post_is_shown_before_it_is_counted) {
    const topic_name topic = make_topic(1);
    const auto producer = open_producer();
    script().fail_sends(1, error(errc::not_persisted));
    ASSERT_TRUE(
        producer->post(topic, {.key = "k", .value = "v", .headers = {{"h", "1"}}, .generation = true}));
    ASSERT_TRUE(producer->await_reports(1));
    const auto seen = producer->reported();
    EXPECT_EQ(seen.failed_posts, 1U);
    EXPECT_EQ(seen.posted_records[1], 1U);
    const auto ends = producer->sink().topic(topic).value();
    EXPECT_EQ(ends->ended.failed.load(), 1U);
    EXPECT_EQ(ends->ended.acknowledged.load(), 0U);
}

TEST_F(memory_faults, a_slow_broker_delays_records_and_reports) {
    const topic_name topic = make_topic(1);
    const auto producer = open_producer();
    script().delay_sends(3s);
    const steady_time before = now();
    ASSERT_TRUE(producer->send(topic, {.value = "x"}));
    script().delay_sends(0s);
    ASSERT_TRUE(producer->send(topic, {.value = "behind it"}));
    ASSERT_TRUE(producer->await_reports(2));
    EXPECT_GE(now() - before, 3s);
    EXPECT_LT(now() - before, 4s);
    const auto fates = producer->reported().fates;
    EXPECT_EQ(fates.at(0).offset, 0);
    EXPECT_EQ(fates.at(1).offset, 1) << "a record overtook the one that waited";
}

TEST_F(memory_faults, a_scripted_commit_failure_stores_nothing) {
    const topic_name topic = make_topic(1);
    const auto reader = open_reader(reading("group", {topic}));
    ASSERT_TRUE(reader->await_owned(1));
    script().fail_commits(1, error(errc::commit_failed));
    EXPECT_EQ(code_of(reader->commit({{.where = at(topic, 0), .next = offset(0)}})[0]), errc::commit_failed);
    EXPECT_EQ(script().committed("group", at(topic, 0)), std::nullopt);
    EXPECT_FALSE(code_of(reader->commit({{.where = at(topic, 0), .next = offset(0)}})[0]));
    EXPECT_EQ(script().committed("group", at(topic, 0)), offset(0));
}

TEST_F(memory_faults, a_stopped_partition_shows_lag_and_resumes) {
    const topic_name topic = make_topic(2);
    const auto producer = open_producer();
    const auto reader = open_reader(reading("group", {topic}));
    ASSERT_TRUE(reader->await_owned(2));
    script().stop_fetch(at(topic, 0));
    producer->deliver_numbers(at(topic, 0), 0, 5);
    producer->deliver_numbers(at(topic, 1), 0, 5);
    ASSERT_TRUE(reader->await_records(at(topic, 1), 5));
    let_pass(under(), 10s);
    EXPECT_TRUE(reader->values(at(topic, 0)).empty());
    EXPECT_EQ(reader->progress(at(topic, 0)).position, offset(0));
    EXPECT_EQ(reader->progress(at(topic, 0)).end, offset(5));
    script().resume_fetch(at(topic, 0));
    EXPECT_TRUE(reader->await_records(at(topic, 0), 5));
}

TEST_F(memory_faults, a_dropped_member_loses_its_partitions_when_its_session_ends) {
    const topic_name topic = make_topic(2);
    auto settings = reading("group", {topic});
    settings.client_id = "first";
    const auto first = open_reader(settings);
    settings.client_id = "second";
    const auto second = open_reader(settings);
    ASSERT_TRUE(first->await_owned(1) && second->await_owned(1));
    script().drop_member("group", "second");
    const steady_time before = now();
    ASSERT_TRUE(first->await_owned(2));
    EXPECT_GE(now() - before, settings.session_timeout);
    EXPECT_EQ(second->now().owned.size(), 1U) << "a dead member is told nothing";
    EXPECT_EQ(second->take(at(topic, 1), 10) + second->take(at(topic, 0), 10), 0U);
}

TEST_F(memory_faults, a_lost_assignment_is_said_to_be_lost_and_joined_anew) {
    const topic_name topic = make_topic(2);
    auto settings = reading("group", {topic});
    settings.client_id = "first";
    const auto first = open_reader(settings, {.releases = false});
    ASSERT_TRUE(first->await_owned(2));
    script().lose_assignment("group", "first");
    ASSERT_TRUE(first->await([](const auto& all) { return all.revoke_waits; }));
    EXPECT_EQ(first->now().losses, 1);
    EXPECT_EQ(code_of(first->commit({{.where = at(topic, 0), .next = offset(0)}})[0]), errc::assignment_lost);
    first->change({});
    first->release();
    EXPECT_TRUE(first->await_owned(2));
    EXPECT_EQ(first->now().assignments, 2);
}

TEST_F(memory_faults, a_forced_rebalance_moves_the_generation_and_keeps_the_positions) {
    const topic_name topic = make_topic(1);
    open_producer()->deliver_numbers(at(topic, 0), 0, 4);
    const auto reader = open_reader(reading("group", {topic}));
    ASSERT_TRUE(reader->await_records(at(topic, 0), 4));
    ASSERT_FALSE(code_of(reader->commit({{.where = at(topic, 0), .next = offset(4)}})[0]));
    const auto before = script().describe("group").generation;
    script().rebalance("group");
    ASSERT_TRUE(reader->await([](const auto& all) { return all.assignments == 2; }));
    EXPECT_EQ(script().describe("group").generation, before + 1);
    let_pass(under(), 1s);
    EXPECT_EQ(reader->values(at(topic, 0)).size(), 4U);
}

TEST_F(memory_faults, a_broken_sink_says_so_once_and_refuses_what_follows) {
    const topic_name topic = make_topic(1);
    const auto producer = open_producer();
    script().broker_down();
    ASSERT_TRUE(producer->send(topic, {.value = "x"}));
    script().break_sinks(error(errc::client_fatal, {.message = "as scripted"}));
    ASSERT_TRUE(producer->await_reports(1));
    const auto seen = producer->reported();
    EXPECT_EQ(seen.broke->code(), errc::client_fatal);
    EXPECT_EQ(seen.fates.at(0).failure->code(), errc::client_fatal);
    EXPECT_EQ(producer->send(topic, {.value = "x"}).error().code(), errc::client_fatal);
    script().broker_up();
    EXPECT_TRUE(open_producer()->deliver(topic, {.value = "x"})) << "a new one works";
}

TEST_F(memory_faults, close_gives_up_what_cannot_be_sent_in_time) {
    const topic_name topic = make_topic(1);
    const auto producer = open_producer();
    script().broker_down();
    for (int i = 0; i < 7; ++i)
        ASSERT_TRUE(producer->send(topic, {.value = "x"}));
    const auto closed = producer->close(2s);
    ASSERT_FALSE(closed);
    EXPECT_EQ(closed.error().code(), errc::close_timed_out);
    EXPECT_EQ(producer->reported().fates.size(), 7U);
}

TEST_F(memory_faults, deleted_records_send_a_reader_to_its_reset) {
    const topic_name topic = make_topic(1);
    const auto producer = open_producer();
    producer->deliver_numbers(at(topic, 0), 0, 10);
    const auto reader = open_reader(reading("group", {topic}), {.takes = false});
    ASSERT_TRUE(reader->await_owned(1));
    EXPECT_EQ(reader->take(at(topic, 0), 2), 2U);
    script().delete_records(at(topic, 0), offset(6));
    EXPECT_EQ(reader->take(at(topic, 0), 100), 4U);
    EXPECT_EQ(reader->values(at(topic, 0)), (std::vector<std::string>{"0", "1", "6", "7", "8", "9"}));
    EXPECT_EQ(open_admin()->range_of(at(topic, 0), 1s)->begin, offset(6));
}

TEST_F(memory_faults, retention_lets_old_segments_go) {
    const topic_name topic = make_topic(1, {{"retention.bytes", "100000"}});
    const auto producer = open_producer();
    for (int i = 0; i < 1'000; ++i)
        ASSERT_TRUE(producer->post(topic, {.value = std::string(1'000, 'x')}));
    ASSERT_TRUE(producer->await_reports(1'000));
    const auto range = open_admin()->range_of(at(topic, 0), 1s);
    EXPECT_EQ(range->end, offset(1'000));
    EXPECT_GT(range->begin, offset(0));
}

TEST_F(memory_faults, batches_outlive_what_they_were_taken_from) {
    const topic_name topic = make_topic(1, {{"retention.bytes", "1"}});
    const auto producer = open_producer();
    const auto loop = under().root().run_thread("reader", [](scheduler&) {});
    struct listener final : broker::source_listener {
        void ready() noexcept override {}
    } deaf;
    broker::group_member member;
    record_batch batch;
    producer->deliver_numbers(at(topic, 0), 0, 3);
    run_on(under(), loop->loop(),
           [&] { member = under().cluster().join(reading("group", {topic}), loop->loop(), deaf); });
    run_on(under(), loop->loop(), [&] {
        const auto event = std::get<broker::assigned>(*member.source->next_event());
        const broker::start_at start{.id = event.partitions[0].id};
        member.source->accept({&start, 1});
        batch = member.source->take(event.partitions[0].id, 10);
        member = {};
    });
    ASSERT_TRUE(producer->deliver(topic, {.value = std::string(500'000, 'x')}));
    ASSERT_EQ(batch.size(), 3U);
    EXPECT_EQ(batch.records()[2].value.text(), "2");
}

TEST_F(memory_faults, a_topic_created_later_reaches_those_who_wait_for_it) {
    const std::string group = "group";
    auto settings = reading(group, {topic_name("memory.late")});
    const auto named = open_reader(settings);
    settings = reading("other", {});
    settings.pattern = "memory\\..*";
    const auto matching = open_reader(settings);
    let_pass(under(), 1s);
    ASSERT_TRUE(open_admin()->create_topic({.name = topic_name("memory.late"), .partitions = 2}, 1s));
    EXPECT_TRUE(named->await_owned(2));
    EXPECT_TRUE(matching->await_owned(2));
    ASSERT_TRUE(open_admin()->delete_topic(topic_name("memory.late"), 1s));
    EXPECT_TRUE(named->await_owned(0));
}

TEST_F(memory_faults, a_second_owner_of_an_instance_id_fences_the_first) {
    const topic_name topic = make_topic(1);
    auto settings = reading("group", {topic});
    settings.instance_id = "a";
    const auto first = open_reader(settings);
    ASSERT_TRUE(first->await_owned(1));
    const auto second = open_reader(settings);
    ASSERT_TRUE(second->await_owned(1));
    ASSERT_TRUE(first->await([](const auto& all) { return !all.errors.empty(); }));
    EXPECT_EQ(first->now().errors[0].why.code(), errc::duplicate_instance);
    EXPECT_EQ(first->now().errors[0].why.kind(), error_kind::fatal);
    EXPECT_EQ(first->now().losses, 1);
    EXPECT_TRUE(first->now().owned.empty());
}

TEST_F(memory_faults, cooperative_members_are_asked_for_what_another_is_to_have_and_for_no_more) {
    const topic_name topic = make_topic(6);
    auto settings = reading("group", {topic});
    settings.assignor = "cooperative-sticky";
    const auto first = open_reader(settings);
    ASSERT_TRUE(first->await_owned(6));
    const std::set<topic_partition> all = owned(*first);
    const auto second = open_reader(settings);
    ASSERT_TRUE(second->await_owned(3));
    ASSERT_TRUE(first->await_owned(3));
    EXPECT_EQ(first->now().revokes, 1);
    EXPECT_TRUE(std::ranges::includes(all, owned(*first)));
    const auto third = open_reader(settings);
    ASSERT_TRUE(third->await_owned(2));
    ASSERT_TRUE(first->await_owned(2));
    const std::set<topic_partition> kept = owned(*first);
    second->close();
    ASSERT_TRUE(third->await_owned(3));
    ASSERT_TRUE(first->await_owned(3));
    EXPECT_TRUE(std::ranges::includes(owned(*first), kept)) << "it gave nothing back";
    auto eager = reading("group", {topic});
    const auto stranger = open_reader(eager);
    EXPECT_TRUE(stranger->await([](const auto& seen) { return !seen.errors.empty(); }))
        << "a group has one assignor";
}

TEST_F(memory_faults, settings_that_cannot_work_are_refused_at_the_door) {
    const auto refusal = [&](broker::source_settings settings) -> std::optional<errc> {
        std::optional<errc> why;
        const auto loop = under().root().run_thread("reader", [](scheduler&) {});
        struct listener final : broker::source_listener {
            void ready() noexcept override {}
        } deaf;
        run_on(under(), loop->loop(), [&] {
            try {
                (void)under().cluster().join(settings, loop->loop(), deaf);
            } catch (const config_error& wrong) {
                why = wrong.why().code();
            }
        });
        return why;
    };
    EXPECT_EQ(refusal({.group = "", .topics = {topic_name("a")}}), errc::invalid_setting);
    EXPECT_EQ(refusal({.group = "g"}), errc::invalid_setting);
    EXPECT_EQ(refusal({.group = "g", .pattern = "("}), errc::invalid_setting);
    EXPECT_EQ(refusal({.group = "g", .topics = {topic_name("a")}, .assignor = "roundrobin"}),
              errc::unsupported);
    EXPECT_EQ(refusal({.group = "g", .topics = {topic_name("a")}}), std::nullopt);
}

} // namespace corvid::conformance
