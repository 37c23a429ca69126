// SPDX-License-Identifier: Apache-2.0
//
// What the watchdog of a group says and does while something does not get on.
#include <corvid/consume/shapes/publishing_world_test.hpp>

#include <gmock/gmock.h>

namespace corvid::consume_test {
namespace {

using testing::HasSubstr;

/// Stays with the records of key k1 until it is let go; `at` tells where it is.
struct stalled {
    bool go = false;
    std::multiset<std::string> begun, done;

    auto handler() {
        return [this](const keyed& e, context& ctx) -> task<void> {
            const std::string id = e.key + '/' + std::to_string(e.n);
            begun.insert(id);
            while (e.key == "k1" && e.n == 0 && !go)
                co_await ctx.sleep(1s);
            done.insert(id);
        };
    }
};

group_settings with_limit(std::chrono::milliseconds max_poll_interval) {
    group_settings s;
    s.rebalance_drain = 20s;
    s.source.session_timeout = 10s;
    s.source.max_poll_interval = max_poll_interval;
    return s;
}

TEST(group_watch, a_record_that_its_handler_does_not_return_from_is_told_once_and_so_is_its_end) {
    group_world w(1);
    stalled s;
    auto loop = w.join(s.handler());
    w.publish(10, 2);
    w.sim.run_for(25s);
    EXPECT_EQ(loop->state().findings(), "");
    w.sim.run_for(20s);
    EXPECT_THAT(loop->state().findings(), HasSubstr("handler \"test\" has been at test.keyed.made"));
    EXPECT_FALSE(loop->state().is_stuck()) << "other records of the partition get done";
    w.sim.run_for(60s);
    EXPECT_TRUE(loop->state().is_stuck());
    EXPECT_THAT(loop->state().findings(), HasSubstr("handler \"test\" has been at that record"));
    s.go = true;
    w.sim.run_for(5s);
    EXPECT_EQ(loop->state().findings(), "");
    EXPECT_EQ(w.lines_with("the group does not get on everywhere"), 2) << "slow at first, and stuck then";
    EXPECT_EQ(w.lines_with("the group gets on"), 1);
    w.end(*loop);
}

TEST(group_watch, what_stands_behind_the_last_record_is_no_lag_and_is_committed) {
    group_world w(7, 1);
    stalled s;
    s.go = true;
    auto loop = w.join(s.handler());
    w.publish(10, 2);
    EXPECT_TRUE(w.sim.run_until([&] { return w.committed(0) == 20; }, 1min));
    const counter gaps = w.figures.counter_of(metric::offset_gaps, {keyed_topic.str(), "group"});
    EXPECT_EQ(gaps.value(), 0u) << "nothing is missing where nothing is compacted and no transaction ends";
    w.cluster.script().skip_offsets({keyed_topic, partition_id(0)}, 10); // as a transaction's marker does
    w.sim.run_for(2min);
    EXPECT_EQ(w.committed(0), 30);
    EXPECT_EQ(gaps.value(), 10u);
    EXPECT_FALSE(loop->state().is_stuck()) << loop->state().findings();
    w.publish(10, 2);
    EXPECT_TRUE(w.sim.run_until([&] { return w.committed(0) == 50; }, 1min));
    EXPECT_EQ(s.done.size(), 40u);
    w.end(*loop);
}

TEST(group_watch, offsets_that_never_come_between_records_are_counted_and_hold_nothing_up) {
    group_world w(8, 1);
    stalled s;
    s.go = true;
    for (int round = 0; round < 5; ++round) {
        w.publish(10, 2);
        w.cluster.script().skip_offsets({keyed_topic, partition_id(0)}, 3);
    }
    auto loop = w.join(s.handler());
    w.publish(10, 2);
    EXPECT_TRUE(w.sim.run_until([&] { return w.committed(0) == 6 * 20 + 5 * 3; }, 1min));
    EXPECT_EQ(w.figures.counter_of(metric::offset_gaps, {keyed_topic.str(), "group"}).value(), 15u);
    EXPECT_EQ(s.done.size(), 120u);
    w.end(*loop);
}

struct resets {
    explicit resets(group_world& w)
        : no_offset(w.figures.counter_of(metric::offset_resets, {keyed_topic.str(), "group", "no_offset"})),
          out_of_range(
              w.figures.counter_of(metric::offset_resets, {keyed_topic.str(), "group", "out_of_range"})) {}
    counter no_offset, out_of_range;
};

TEST(group_watch, a_position_that_was_reset_is_counted_by_its_reason_and_told) {
    group_world w(9, 2);
    const resets told(w);
    stalled s;
    s.go = true;
    w.publish(10, 4);
    auto loop = w.join(s.handler());
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    EXPECT_EQ(told.no_offset.value(), 2u) << "a new group: each partition begins so";
    EXPECT_EQ(w.end(*loop), loop_end::clean);

    const std::int64_t end = w.committed(0);
    w.publish(10, 4);
    w.cluster.script().delete_records({keyed_topic, partition_id(0)}, offset(end + 5));
    loop = w.join(s.handler());
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1min));
    EXPECT_EQ(told.no_offset.value(), 2u);
    EXPECT_EQ(told.out_of_range.value(), 1u);
    EXPECT_EQ(w.lines_with("CVD-5011"), 1);
    EXPECT_EQ(loop->state().trouble(), "") << "it gets on";
    EXPECT_EQ(s.done.size(), 75u) << "five are gone";
    EXPECT_EQ(w.end(*loop), loop_end::clean);
}

TEST(group_watch, a_key_that_fails_again_and_again_is_told_with_what_it_fails_by) {
    group_world w(2);
    auto loop = w.join(
        [](const keyed& e) {
            if (e.key == "k1") throw std::runtime_error("no fee");
        },
        {.failure = {.retry = {.first = 1s, .factor = 1, .limit = 1'000, .jitter = 0}}});
    w.publish(10, 1);
    w.sim.run_for(10s);
    EXPECT_THAT(loop->state().findings(), HasSubstr("its key waits"));
    EXPECT_THAT(loop->state().findings(), HasSubstr("no fee"));
    EXPECT_EQ(loop->state().findings().find("k1"), std::string::npos) << "a key may be personal";
    w.end(*loop, 0s, 0s);
}

TEST(group_watch, a_member_whose_handler_does_not_return_leaves_and_others_take_over) {
    group_world w(3);
    stalled one, two;
    two.go = true;
    auto first = w.join(one.handler(), {}, with_limit(60s));
    w.publish(100, 2);
    w.sim.run_for(50s);
    auto second = w.join(two.handler(), {}, with_limit(60s));
    EXPECT_TRUE(w.sim.run_until([&] { return !first->state().away().empty(); }, 30s));
    EXPECT_TRUE(w.sim.run_until([&] { return second->state().partitions() == 4; }, 10s));
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 10s)) << "others do not wait for it";
    EXPECT_TRUE(two.done.contains("k1/0")) << "the record is delivered to whoever has its partition";
    one.done.merge(two.done);
    EXPECT_EQ(std::set<std::string>(one.done.begin(), one.done.end()).size(), 200u);

    w.sim.run_for(5min);
    EXPECT_EQ(first->state().partitions(), 0u) << "it stays away while the handler does not return";
    one.go = true;
    EXPECT_TRUE(w.sim.run_until([&] { return first->state().partitions() == 2; }, 30s));
    EXPECT_EQ(first->state().away(), "");
    w.publish(100, 1);
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 30s));
    EXPECT_EQ(w.end(*first), loop_end::clean);
    EXPECT_EQ(w.end(*second), loop_end::clean);
}

TEST(group_watch, a_member_that_is_away_can_be_stopped) {
    group_world w(4);
    stalled s;
    auto loop = w.join(s.handler(), {}, with_limit(60s));
    w.publish(10, 1);
    EXPECT_TRUE(w.sim.run_until([&] { return !loop->state().away().empty(); }, 2min));
    w.sim.run_for(20s);
    loop->stop(20s, 5s);
    w.sim.run_for(1min);
    s.go = true;
    w.sim.run_for(5s);
    EXPECT_TRUE(loop->ended().is_set());
}

/// What a partition hangs on, after so long, whose only key does as `handler` says.
template <class F>
std::string what_it_hangs_on(group_world& w, F handler) {
    auto loop =
        w.join(handler, {.failure = {.retry = {.limit = 2}, .rejected = when_rejected::dead_letters}});
    w.sim.run_for(90s);
    const std::string told = loop->state().findings();
    w.cluster.script().delay_sends(0s);
    w.cluster.script().fail_sends(0, error(errc::not_persisted));
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 5min));
    EXPECT_EQ(w.end(*loop), loop_end::clean);
    return told;
}

TEST(group_watch, a_record_that_waits_for_a_broker_is_told_as_such_whatever_it_failed_by) {
    const auto fails = [](const keyed& e) {
        if (e.n == 0) throw std::runtime_error("no fee");
    };
    for (const bool answers : {true, false}) {
        group_world w(5, 1);
        w.publish(1, 5);
        if (answers)
            w.cluster.script().fail_sends(1'000'000, error(errc::not_persisted));
        else
            w.cluster.script().delay_sends(1h);
        EXPECT_THAT(
            what_it_hangs_on(w, fails),
            testing::AllOf(HasSubstr("has stood at offset 0"),
                           HasSubstr(answers ? "where it could not be put" : "and is not acknowledged there"),
                           testing::Not(HasSubstr("no fee"))));
    }
    publishing_world w(6, 1);
    w.publish(1, 5);
    w.cluster.script().delay_sends(1h);
    EXPECT_THAT(what_it_hangs_on(w, echo()),
                testing::AllOf(HasSubstr("has stood at offset 0"),
                               HasSubstr("what was published for it, or its effect, is not acknowledged")));
}

} // namespace
} // namespace corvid::consume_test
