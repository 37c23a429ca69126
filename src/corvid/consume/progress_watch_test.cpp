// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/progress_watch.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace corvid {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using kind = progress_watch::kind;

const topic_partition first{topic_name("air.flight.departed"), partition_id(0)};
const topic_partition second{topic_name("air.flight.departed"), partition_id(1)};

struct watched_group {
    std::vector<partition_sight> partitions = {
        {.where = first, .frontier = offset(10), .settled = 10, .behind = 5},
        {.where = second, .frontier = offset(7), .settled = 7, .behind = 0}};
    std::vector<handler_sight> handlers = {{.handler = "delays"}};
    progress_watch watch{watch_settings{}};
    steady_time now{1h};

    void look_after(duration d) {
        now += d;
        watch.look(now, partitions, handlers);
    }
};

TEST(progress_watch, a_group_that_gets_on_has_no_findings) {
    watched_group g;
    for (int i = 0; i < 1'000; ++i) {
        ++g.partitions[0].settled;
        g.look_after(10s);
        EXPECT_EQ(g.watch.told(), "");
        EXPECT_FALSE(g.watch.has_changed());
    }
}

TEST(progress_watch, a_partition_with_records_of_which_none_gets_done_is_stuck) {
    watched_group g;
    g.look_after(0s);
    g.look_after(59s);
    EXPECT_FALSE(g.watch.has(kind::stuck_partition));
    g.look_after(1s);
    EXPECT_TRUE(g.watch.has(kind::stuck_partition));
    EXPECT_TRUE(g.watch.has_changed());
    EXPECT_EQ(g.watch.standing(first), 60s);
    EXPECT_EQ(g.watch.standing(second), 0s);
    EXPECT_THAT(g.watch.told(), HasSubstr("stood at offset 10 for 60 s, 5 offsets before its end"));
    g.look_after(1s);
    EXPECT_FALSE(g.watch.has_changed()) << "the same finding is told once";
    ++g.partitions[0].settled;
    g.look_after(1s);
    EXPECT_EQ(g.watch.told(), "");
    EXPECT_TRUE(g.watch.has_changed());
}

TEST(progress_watch, an_offset_that_cannot_be_read_again_and_again_is_told_with_what_passes_it_by) {
    watched_group g;
    g.partitions[0].unread = {.from = offset(12), .times = 2, .why = "bad compression"};
    g.look_after(1s);
    EXPECT_EQ(g.watch.told(), "") << "a broker may have been restarted";
    g.partitions[0].unread->times = 3;
    g.look_after(1s);
    EXPECT_TRUE(g.watch.has(kind::unreadable));
    for (const char* part :
         {"air.flight.departed[0]", "offset 12, 3 times", "13 or higher", "bad compression"})
        EXPECT_THAT(g.watch.told(), HasSubstr(part));
    g.partitions[0].unread.reset();
    g.look_after(1s);
    EXPECT_EQ(g.watch.told(), "");
}

TEST(progress_watch, an_idle_partition_and_one_of_unknown_end_are_not_stuck) {
    watched_group g;
    g.partitions[0].behind = std::nullopt;
    for (int i = 0; i < 10; ++i)
        g.look_after(1min);
    EXPECT_EQ(g.watch.told(), "");
}

TEST(progress_watch, one_key_that_holds_the_frontier_is_no_stuck_partition) {
    watched_group g;
    for (int i = 0; i < 10; ++i) {
        ++g.partitions[0].settled; // the frontier stays
        g.look_after(30s);
    }
    EXPECT_FALSE(g.watch.has(kind::stuck_partition));
}

TEST(progress_watch, a_retry_topic_waits_for_its_delay_on_purpose) {
    watched_group g;
    g.partitions[0].patience = 10min;
    g.look_after(0s);
    g.look_after(10min);
    EXPECT_FALSE(g.watch.has(kind::stuck_partition));
    g.look_after(1min);
    EXPECT_TRUE(g.watch.has(kind::stuck_partition));
}

TEST(progress_watch, a_stuck_partition_tells_what_it_hangs_on) {
    watched_group g;
    g.look_after(0s);
    g.handlers[0].oldest = {{first, offset(10)}, g.now};
    g.look_after(61s);
    EXPECT_THAT(g.watch.told(), HasSubstr("handler \"delays\" has been at that record for 61 s"));
    g.handlers[0].oldest.reset();
    g.handlers[0].failing = {{first, offset(10)}, 4, "no fee"};
    g.look_after(1s);
    EXPECT_THAT(g.watch.told(), HasSubstr("that record failed 4 times and is in back-off: no fee"));
    g.handlers[0].failing.reset();
    g.handlers[0].sent = {{{second, offset(7)}, true}, {{first, offset(10)}, true}};
    g.look_after(1s);
    EXPECT_THAT(g.watch.told(), HasSubstr("goes to another topic, and is not acknowledged there"));
    g.handlers[0].sent[1] = {{first, offset(10)}, true, 3, "no such topic"};
    g.look_after(1s);
    EXPECT_THAT(g.watch.told(), HasSubstr("where it could not be put 3 times: no such topic"));
    g.handlers[0].sent[1] = {{first, offset(10)}, false};
    g.look_after(1s);
    EXPECT_THAT(g.watch.told(), HasSubstr("what was published for it, or its effect, is not acknowledged"));
    g.handlers[0].sent.clear();
    g.partitions[0].intake = intake_stop::waiting_bytes;
    g.look_after(1s);
    EXPECT_THAT(g.watch.told(), HasSubstr("waiting_bytes is reached"));
}

TEST(progress_watch, a_partition_that_is_read_between_two_looks_is_not_stopped_however_often_it_is_full) {
    watched_group g;
    g.partitions[1].intake = intake_stop::runnable_records;
    for (int i = 0; i < 100; ++i) {
        ++g.partitions[0].settled;
        ++g.partitions[1].taken;
        g.look_after(1s);
        EXPECT_EQ(g.watch.told(), "");
    }
    g.look_after(10s);
    EXPECT_TRUE(g.watch.has(kind::intake_stopped));
}

TEST(progress_watch, back_pressure_is_told_once_it_lasts_and_other_stops_at_once) {
    watched_group g;
    g.partitions[1].intake = intake_stop::runnable_records;
    g.look_after(0s);
    g.look_after(9s);
    EXPECT_FALSE(g.watch.has(kind::intake_stopped));
    g.look_after(1s);
    EXPECT_TRUE(g.watch.has(kind::intake_stopped));
    for (const auto why : {intake_stop::failed, intake_stop::window_full, intake_stop::waiting_bytes}) {
        watched_group other;
        other.partitions[1].intake = why;
        other.look_after(0s);
        EXPECT_THAT(other.watch.told(), HasSubstr(std::string(to_string(why))));
    }
    for (const auto why : {intake_stop::closing, intake_stop::revoking}) {
        watched_group other;
        other.partitions[1].intake = why;
        other.look_after(0s);
        other.look_after(20s);
        EXPECT_FALSE(other.watch.has(kind::intake_stopped));
    }
}

TEST(progress_watch, the_key_that_most_records_wait_for_is_hot) {
    watched_group g;
    g.handlers[0].records = 2'001;
    g.handlers[0].longest = {{first, offset(3)}, 1'000};
    g.look_after(1s);
    EXPECT_FALSE(g.watch.has(kind::hot_key)) << "not half of them";
    g.handlers[0].records = 2'000;
    g.look_after(1s);
    EXPECT_THAT(g.watch.told(), HasSubstr("one key with 1000 of the 2000 records"));
    g.handlers[0] = {.handler = "delays", .records = 999, .longest = {{{first, offset(3)}, 999}}};
    g.look_after(1s);
    EXPECT_FALSE(g.watch.has(kind::hot_key)) << "too few to matter";
}

TEST(progress_watch, a_key_that_fails_again_and_again_is_poison) {
    watched_group g;
    g.handlers[0].failing = {{second, offset(7)}, 2, "no fee"};
    g.look_after(1s);
    EXPECT_FALSE(g.watch.has(kind::poison_key));
    g.handlers[0].failing->attempts = 3;
    g.look_after(1s);
    EXPECT_THAT(g.watch.told(), HasSubstr("failed 3 times on air.flight.departed"));
}

TEST(progress_watch,
     a_record_that_is_with_its_handler_for_too_long_is_named_and_then_makes_the_member_leave) {
    watched_group g;
    g.handlers[0].oldest = {{second, offset(7)}, g.now};
    g.look_after(29s);
    EXPECT_FALSE(g.watch.has(kind::slow_record));
    g.look_after(1s);
    EXPECT_TRUE(g.watch.has(kind::slow_record));
    EXPECT_EQ(find_stuck(g.handlers, g.now, 5min), nullptr);
    EXPECT_EQ(find_stuck(g.handlers, g.now + 5min, 5min), &g.handlers[0]);
}

TEST(progress_watch, a_partition_that_comes_back_begins_anew) {
    watched_group g;
    g.look_after(0s);
    g.look_after(61s);
    ASSERT_TRUE(g.watch.has(kind::stuck_partition));
    const auto gone = g.partitions;
    g.partitions.clear();
    g.look_after(1s);
    EXPECT_EQ(g.watch.told(), "");
    g.partitions = gone;
    g.look_after(1s);
    EXPECT_EQ(g.watch.standing(first), 0s);
}

TEST(watch_settings, zero_is_refused_by_name) {
    EXPECT_TRUE(watch_settings{}.validate());
    EXPECT_THAT(watch_settings{.stuck_after = 0ms}.validate().error().describe(),
                HasSubstr("watch.stuck_after"));
    EXPECT_FALSE(watch_settings{.hot_key_records = 0}.validate());
    EXPECT_FALSE(watch_settings{.poison_attempts = 0}.validate());
}

} // namespace
} // namespace corvid
