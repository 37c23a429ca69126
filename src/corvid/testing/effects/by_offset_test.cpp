// SPDX-License-Identifier: Apache-2.0
//
// exactly_once by offset in virtual time, with the in-process broker and SQLite.
#include <corvid/inbox/by_offset/offset_mark.hpp>
#include <corvid/testing/effects/offset_checks_test.hpp>

namespace corvid::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string group = "service.billing";
const std::string topic = "shop.order.placed";

class by_offset_world : public effects_world {
public:
    using effects_world::effects_world;

    void start(shape how = shape::plain, subscription_options with = {}, std::size_t instances = 1) {
        with.exactly_once = into(by_offset);
        lines_ = std::make_shared<std::vector<std::string>>();
        corvid::settings of{.service = "service"};
        of.log.level = log_level::warn;
        of.log.output = [lines = lines_](std::string_view line) { lines->emplace_back(line); };
        w.start([how, with](corvid::service& s) { subscribe(s, how, with); },
                {.instances = instances, .settings = of});
    }
    void put_row(std::int32_t partition, std::optional<std::int64_t> at) {
        EXPECT_TRUE(get(reset_position(db, {group, topic, partition}, at)));
    }
    std::int64_t row(std::int32_t partition) {
        return get(read_position(db, {group, topic, partition})).value().value_or(-1);
    }
    void publish_to_first(const std::string& customer, int from, int to) {
        for (int n = from; n < to; ++n)
            w.publish(order_placed{customer, n}, {.partition = partition_id(0)});
    }
    std::string log() const {
        std::string all;
        for (const std::string& each : *lines_)
            all += each + '\n';
        return all;
    }

private:
    std::shared_ptr<std::vector<std::string>> lines_;
};

TEST(by_offset, reading_begins_at_the_row_and_at_the_groups_commit_where_there_is_none) {
    by_offset_world e(1);
    e.start();
    e.publish_to_first("a", 0, 10);
    e.w.run_until_consumed();
    EXPECT_EQ(e.effects().size(), 10u);
    ASSERT_EQ(e.w.stop("service-1"), exit_code::clean);
    const std::int64_t end = e.row(0);
    const std::size_t handled = e.w.handled().size();
    e.put_row(0, end / 2); // the database was restored: Kafka's commit is ahead of it
    e.execute("delete from effect");
    e.w.start_again("service-1").run_for(20s);
    EXPECT_EQ(e.row(0), end);
    EXPECT_EQ(e.w.committed(group, topic).at(0), end);
    for (std::size_t i = handled; i < e.w.handled().size(); ++i)
        EXPECT_GE(e.w.handled()[i].offset.value, end / 2);
    EXPECT_EQ(e.effects().size(), static_cast<std::size_t>(end - end / 2));
}

TEST(by_offset, what_kafka_did_not_learn_is_not_handled_again_and_is_told_to_it) {
    by_offset_world e(2);
    e.start();
    publish_orders(e.w, 4, 1, 90);
    e.w.run_until_consumed();
    e.w.fail_commits(1'000'000);
    publish_orders(e.w, 4, 10);
    e.w.run_for(20s);
    const std::size_t handled = e.w.handled().size();
    e.w.crash({.instance = "service-1"});
    e.w.fail_commits(0);
    e.w.run_until_consumed();
    EXPECT_EQ(e.w.handled().size(), handled);
    for (const auto& [partition, next] : e.w.committed(group, topic))
        EXPECT_EQ(next, std::max<std::int64_t>(0, e.row(partition)));
    EXPECT_THAT(offset_checks(e).violations_in_the_end(), IsEmpty());
}

TEST(by_offset, a_row_outside_of_the_log_stops_its_partition_with_what_to_do_and_no_other) {
    by_offset_world e(3);
    e.start();
    e.publish_to_first("early", 0, 1);
    publish_orders(e.w, 6, 10);
    e.w.run_until_consumed();
    ASSERT_EQ(e.w.stop("service-1"), exit_code::clean);
    e.put_row(0, 1'000);
    e.w.start_again("service-1");
    e.publish_to_first("late", 0, 5);
    publish_orders(e.w, 6, 5, 20);
    e.w.run_for(1min);
    EXPECT_EQ(e.row(0), 1'000) << "never a silent reset";
    EXPECT_THAT(e.log(), HasSubstr("the log ends at"));
    EXPECT_THAT(e.log(), HasSubstr("reset the group"));
    EXPECT_FALSE(e.w.service("service-1").health().report(probe::readiness).ok);
    for (const effect_row& each : e.effects())
        EXPECT_NE(each.customer, "late");
    EXPECT_EQ(e.effects().size(), 1u + 6 * 15) << "the other partitions go on";
}

TEST(by_offset, a_record_in_back_off_holds_its_partition_while_handlers_go_on) {
    by_offset_world e(4);
    e.w.start([&](corvid::service& s) {
        s.on<order_placed>("billing",
                           [](const order_placed& o, context& ctx, unit_of_work& db) -> outcome {
                               insert(db, o);
                               if (o.customer == "slow" && ctx.attempt() == 1) return retry("later");
                               return done;
                           },
                           {.retry = {.first = 10s, .jitter = 0}, .exactly_once = e.into(by_offset)});
    });
    e.publish_to_first("quick", 0, 3);
    e.publish_to_first("slow", 0, 1);
    e.publish_to_first("quick", 4, 9);
    e.w.run_for(8s);
    EXPECT_EQ(e.w.handled().size(), 9u) << "handlers of other keys do not wait";
    EXPECT_EQ(e.row(0), 3);
    EXPECT_EQ(e.effects().size(), 3u);
    e.w.run_until_consumed();
    EXPECT_EQ(e.row(0), 9);
    EXPECT_THAT(offset_checks(e).violations_in_the_end(), IsEmpty());
}

TEST(by_offset, what_is_skipped_rejected_or_passed_over_moves_the_row) {
    for (const auto rejected : {when_rejected::dead_letters, when_rejected::pass_over}) {
        SCOPED_TRACE(rejected == when_rejected::pass_over ? "passed over" : "dead letters");
        by_offset_world e(5);
        e.w.start([&](corvid::service& s) {
            s.on<order_placed>("billing",
                               [](const order_placed& o, context&, unit_of_work& db) -> outcome {
                                   insert(db, o);
                                   if (o.n % 3 == 1) return skip;
                                   if (o.n % 3 == 2) return dead_letter("never");
                                   return done;
                               },
                               {.rejected = rejected, .exactly_once = e.into(by_offset)});
        });
        e.publish_to_first("a", 0, 9);
        e.w.run_until_consumed();
        EXPECT_EQ(e.row(0), 9) << e.w.describe();
        e.expect_effects({{"a", 0}, {"a", 3}, {"a", 6}});
    }
}

TEST(by_offset, a_stop_and_a_revoke_do_not_wait_for_what_is_behind_a_back_off) {
    by_offset_world e(6);
    e.w.start([&](corvid::service& s) {
        s.on<order_placed>(
            "billing",
            [](const order_placed& o, context&, unit_of_work& db) -> outcome {
                insert(db, o);
                return o.customer == "never" ? retry("later") : outcome(done);
            },
            {.retry = {.first = 1h, .limit = 100, .cap = 1h}, .exactly_once = e.into(by_offset)});
    });
    e.publish_to_first("never", 0, 1);
    e.publish_to_first("quick", 0, 5);
    e.w.run_for(5s);
    const auto before = e.w.now();
    e.w.rebalance().run_for(3s);
    EXPECT_EQ(e.w.handled().size(), 12u) << "all six come again at once";
    EXPECT_EQ(e.w.stop("service-1"), exit_code::clean);
    EXPECT_LT(e.w.now() - before, 6s);
    EXPECT_EQ(e.effects().size(), 0u);
}

TEST(by_offset, a_row_that_is_moved_back_under_way_is_read_again_from_there) {
    by_offset_world e(7);
    e.start();
    e.publish_to_first("a", 0, 10);
    e.w.run_until_consumed();
    e.execute("delete from effect");
    e.put_row(0, 5);
    e.publish_to_first("a", 20, 23);
    e.w.run_until_consumed();
    EXPECT_EQ(e.row(0), 13);
    e.expect_effects({{"a", 5}, {"a", 6}, {"a", 7}, {"a", 8}, {"a", 9}, {"a", 20}, {"a", 21}, {"a", 22}});
}

TEST(by_offset, what_another_owner_wrote_is_not_written_again) {
    by_offset_world e(8);
    e.start();
    e.publish_to_first("a", 0, 3);
    e.w.run_until_consumed();
    e.put_row(0, 6); // as if another had applied 3, 4 and 5
    e.publish_to_first("a", 3, 9);
    e.w.run_until_consumed();
    e.expect_effects({{"a", 0}, {"a", 1}, {"a", 2}, {"a", 6}, {"a", 7}, {"a", 8}});
    EXPECT_EQ(e.row(0), 9);
}

TEST(by_offset, those_that_ask_do_not_keep_the_place_of_those_before_them) {
    by_offset_world e(9); // one place, and a key's first record stands behind another key's
    e.start(shape::asks, {.concurrency = 1});
    for (int n = 0; n < 30; ++n)
        for (const char* each : {"a", "b", "c"})
            e.w.publish(order_placed{each, n}, {.partition = partition_id(0)});
    e.w.run_until_consumed(10min);
    EXPECT_EQ(e.row(0), 90);
    EXPECT_THAT(offset_checks(e).violations_in_the_end(), IsEmpty());
}

TEST(by_offset, what_has_no_place_in_the_order_of_offsets_is_refused_and_a_retry_by_key_warned_of) {
    by_offset_world e(10);
    const auto plain = [](const order_placed& o, context&, unit_of_work& db) { insert(db, o); };
    EXPECT_THAT(e.refused_with([&](corvid::service& s) {
        s.fan_out<order_placed>("a", to_all(plain, plain), {.exactly_once = e.into(by_offset)});
    }),
                HasSubstr("fan_out"));
    EXPECT_THAT(e.refused_with([&](corvid::service& s) {
        s.on<order_placed>("a", plain,
                           {.retry_topics = {1s}, .gives_up_order = true, .exactly_once = e.into(by_offset)});
    }),
                HasSubstr("retry topic"));
    EXPECT_THAT(e.refused_with([&](corvid::service& s) {
        s.on<order_placed>("a", plain,
                           {.rejected = when_rejected::park_key, .exactly_once = e.into(by_offset)});
    }),
                HasSubstr("parked"));
    e.start(shape::plain, {.order = by_partition});
    EXPECT_THAT(e.log(), ::testing::Not(HasSubstr("holds its partition")));
    EXPECT_EQ(e.w.stop("service-1"), exit_code::clean);
}

TEST(by_offset, by_key_with_retry_is_warned_of_at_the_start) {
    by_offset_world e(11);
    e.start(shape::plain, {.order = by_key});
    EXPECT_THAT(e.log(), HasSubstr("holds its partition, not its key alone"));
}

} // namespace
} // namespace corvid::testing
