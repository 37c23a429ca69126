// SPDX-License-Identifier: Apache-2.0
//
// group_loop in virtual time: what is processed and committed, through rebalances, failures and stops.
#include <corvid/base/simulation.hpp>
#include <corvid/consume/group_loop.hpp>
#include <corvid/consume/typed_handler.hpp>
#include <corvid/memory/cluster.hpp>
#include <corvid/message/message.hpp>
#include <corvid/produce/message_producer.hpp>

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace sample {
struct event {
    int n = 0;
};
CORVID_MESSAGE(event, (n), .topic = "test.event.made");
} // namespace sample

namespace corvid {
namespace {

using namespace std::chrono_literals;
using sample::event;

constexpr std::int32_t partitions = 4;
const topic_name topic("test.event.made");

struct seen {
    std::int32_t partition;
    std::int64_t offset;
    int n;
};

class group_loop_test : public testing::Test {
public:
    explicit group_loop_test(std::uint64_t seed = 5) : sim(seed) {
        EXPECT_TRUE(cluster.open_admin()->create_topic({.name = topic, .partitions = partitions}, 1s));
        out = std::make_unique<publisher>(cluster, sim, producer_settings{.seed = 3}, quiet);
    }

    void publish(int count) {
        message_producer to(*out);
        for (int i = 0; i < count; ++i, ++published)
            EXPECT_TRUE(to.post(event{published}, {.partition = partition_id(published % partitions)}));
        auto flush = [](message_producer p) -> task<void> { EXPECT_TRUE((co_await p.flush()).has_value()); };
        wait_for(sim, sim, flush(to));
    }

    template <class F>
    std::unique_ptr<group_loop> join(F handler, const failure_settings& failure = {}) {
        std::vector<subscription> subscriptions(1);
        subscriptions[0] = {.name = "test",
                            .topics = {topic},
                            .failure = failure,
                            .handle = std::make_unique<typed_handler<event, F>>(std::move(handler), scope)};
        group_settings settings;
        settings.source.group = "group";
        auto loop =
            std::make_unique<group_loop>(cluster, sim, settings, std::move(subscriptions), quiet, nullptr);
        loop->start();
        return loop;
    }

    auto recorder() {
        return [this](const received<event>& e) {
            log.push_back({e.partition().value, e.offset().value, e->n});
        };
    }

    bool all_committed() {
        auto admin = cluster.open_admin();
        for (std::int32_t p = 0; p < partitions; ++p) {
            const topic_partition where{topic, partition_id(p)};
            const auto end = admin->range_of(where, 1s)->end;
            if (cluster.script().committed("group", where).value_or(offset(0)) != end) return false;
        }
        return true;
    }
    loop_end end(group_loop& loop, std::chrono::milliseconds drain = 20s,
                 std::chrono::milliseconds grace = 5s) {
        loop.stop(drain, grace);
        EXPECT_TRUE(sim.wait(loop.ended(), sim.steady_now() + 5min));
        return loop.how_it_ended();
    }
    /// Every offset of every partition at least once, first deliveries in order.
    void expect_complete_and_in_order() {
        std::map<std::int32_t, std::int64_t> next;
        std::map<std::int32_t, std::int64_t> last;
        for (const auto& s : log) {
            EXPECT_LE(s.offset, next[s.partition]) << "a record was left out";
            next[s.partition] = std::max(next[s.partition], s.offset + 1);
        }
        std::int64_t sum = 0;
        for (const auto& [p, n] : next)
            sum += n;
        EXPECT_EQ(sum, published);
    }

    simulation sim;
    memory::cluster cluster{sim};
    task_scope scope;
    std::vector<std::string> lines;
    logger quiet{{.burst = 0, .output = [this](std::string_view line) { lines.emplace_back(line); }}};
    std::unique_ptr<publisher> out;
    std::vector<seen> log;
    int published = 0;
};

TEST_F(group_loop_test, every_record_runs_once_in_order_and_is_committed) {
    auto loop = join(recorder());
    publish(1'000);
    EXPECT_TRUE(sim.run_until([&] { return all_committed(); }, 1min));
    EXPECT_EQ(log.size(), 1'000u);
    expect_complete_and_in_order();
    EXPECT_EQ(end(*loop), loop_end::clean);
}

TEST_F(group_loop_test, a_stop_commits_what_is_done_and_nothing_runs_twice_after_it) {
    publish(2'000);
    for (int i = 0; i < 20; ++i) {
        auto loop = join(recorder());
        const std::size_t before = log.size();
        sim.run_until([&] { return log.size() >= std::min<std::size_t>(2'000, before + 50); }, 1min);
        EXPECT_EQ(end(*loop), loop_end::clean);
    }
    auto loop = join(recorder());
    EXPECT_TRUE(sim.run_until([&] { return all_committed(); }, 1min));
    EXPECT_EQ(log.size(), 2'000u) << "graceful stops deliver nothing twice";
    expect_complete_and_in_order();
    end(*loop);
}

TEST_F(group_loop_test, a_coroutine_handler_keeps_the_order_of_its_partition_while_others_go_on) {
    auto handler = [this](const received<event>& e, context& ctx) -> task<outcome> {
        const seen now{e.partition().value, e.offset().value, e->n};
        co_await ctx.sleep(now.partition == 0 ? 100ms : 1ms);
        log.push_back(now);
        co_return done;
    };
    auto loop = join(handler);
    publish(400);
    EXPECT_TRUE(sim.run_until([&] { return all_committed(); }, 5min));
    expect_complete_and_in_order();
    EXPECT_EQ(log.size(), 400u);
    EXPECT_EQ(log.back().partition, 0) << "the slow partition held nobody up";
    end(*loop);
}

TEST_F(group_loop_test, progress_of_a_slow_run_is_committed_on_the_way) {
    auto handler = [this](const received<event>& e, context& ctx) -> task<void> {
        co_await ctx.sleep(500ms);
        log.push_back({e.partition().value, e.offset().value, e->n});
    };
    publish(400);
    auto loop = join(handler);
    sim.run_for(20s);
    const auto committed = cluster.script().committed("group", {topic, partition_id(1)});
    ASSERT_TRUE(committed);
    EXPECT_NEAR(static_cast<double>(committed->value), 38, 3);
    end(*loop);
}

TEST_F(group_loop_test, an_exception_is_retried_with_back_off_and_the_order_holds) {
    std::map<int, int> attempts;
    auto handler = [&](const received<event>& e, context& ctx) {
        EXPECT_EQ(ctx.attempt(), ++attempts[e->n]);
        if (e->n % 50 == 7 && attempts[e->n] < 4) throw std::runtime_error("not yet");
        log.push_back({e.partition().value, e.offset().value, e->n});
    };
    auto loop = join(handler);
    publish(400);
    EXPECT_TRUE(sim.run_until([&] { return all_committed(); }, 5min));
    EXPECT_EQ(log.size(), 400u);
    expect_complete_and_in_order();
    end(*loop);
}

TEST_F(group_loop_test, what_is_logged_of_a_record_names_it_and_what_set_it_off) {
    const header_view mine[] = {{"correlation_id", "c-17"},
                                {"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}};
    EXPECT_TRUE(message_producer(*out).post(event{1}, {.partition = partition_id(2), .headers = mine}));
    auto loop = join([](const event&, context& ctx) {
        ctx.log().info("looked into");
        throw std::runtime_error("not yet");
    });
    sim.run_for(5s);
    const std::string whose = R"("partition":2,"offset":0,"correlation_id":"c-17","trace_id":"0af76519)";
    for (const char* message : {"looked into", "a record is tried again"})
        EXPECT_TRUE(std::ranges::any_of(lines, [&](const std::string& line) {
            return line.find(message) != line.npos && line.find(whose) != line.npos;
        })) << message;
}

TEST_F(group_loop_test, a_rejected_record_stops_its_partition_holds_the_offset_and_lets_the_others_go_on) {
    auto handler = [&](const received<event>& e) {
        if (e->n == 101) throw rejected("never");
        log.push_back({e.partition().value, e.offset().value, e->n});
    };
    auto loop = join(handler);
    publish(400);
    sim.run_for(30s);
    EXPECT_NE(loop->state().stopped().find("never"), std::string::npos);
    const topic_partition where{topic, partition_id(101 % partitions)};
    EXPECT_EQ(cluster.script().committed("group", where)->value, 25) << "the offset is held at the record";
    EXPECT_EQ(log.size(), 325u);
    EXPECT_EQ(end(*loop), loop_end::clean);
    EXPECT_EQ(cluster.script().committed("group", where)->value, 25);
}

TEST_F(group_loop_test, a_rejected_record_is_passed_over_where_the_policy_says_so) {
    auto handler = [&](const received<event>& e) {
        if (e->n % 3 == 0) throw rejected("never");
        log.push_back({e.partition().value, e.offset().value, e->n});
    };
    auto loop = join(handler, {.rejected = when_rejected::pass_over});
    publish(900);
    EXPECT_TRUE(sim.run_until([&] { return all_committed(); }, 1min));
    EXPECT_EQ(log.size(), 600u);
    EXPECT_EQ(std::ranges::count_if(lines,
                                    [](const auto& l) { return l.find("passed over") != std::string::npos; }),
              300);
    end(*loop);
}

TEST_F(group_loop_test, bytes_that_are_no_message_are_rejected_with_their_place) {
    auto loop = join(recorder(), {.rejected = when_rejected::pass_over});
    message_producer to(*out);
    ASSERT_TRUE(to.post(**to.topic(topic.str()), nullptr, "{\"n\":tru", {.partition = partition_id(2)}));
    publish(4);
    sim.run_for(5s);
    EXPECT_EQ(log.size(), 4u);
    const auto line =
        std::ranges::find_if(lines, [](const auto& l) { return l.find("passed over") != std::string::npos; });
    ASSERT_NE(line, lines.end());
    EXPECT_NE(line->find("test.event.made"), std::string::npos);
    EXPECT_NE(line->find("\"partition\":2"), std::string::npos) << *line;
    published = 4;
    end(*loop);
}

TEST_F(group_loop_test, a_handler_may_stop_the_service_and_the_offset_is_held) {
    std::string why;
    auto loop = join([&](const event& e) {
        if (e.n == 9) throw fatal("enough");
    });
    loop->on_handler_stop = [&](const error& e) { why = e.message(); };
    publish(40);
    sim.run_for(2s);
    EXPECT_EQ(why, "enough");
    EXPECT_EQ(end(*loop), loop_end::failed);
    EXPECT_EQ(cluster.script().committed("group", {topic, partition_id(9 % partitions)})->value, 2);
}

TEST_F(group_loop_test, offsets_that_never_came_are_no_reason_to_wait) {
    auto loop = join(recorder());
    publish(100);
    for (int p = 0; p < partitions; ++p)
        cluster.script().skip_offsets({topic, partition_id(p)}, 10);
    publish(100);
    EXPECT_TRUE(sim.run_until([&] { return log.size() == 200; }, 1min));
    sim.run_for(3s);
    EXPECT_EQ(cluster.script().committed("group", {topic, partition_id(0)})->value, 60);
    end(*loop);
}

TEST_F(group_loop_test, broker_loss_is_survived_and_nothing_is_lost) {
    auto loop = join(recorder());
    publish(100);
    sim.run_until([&] { return log.size() == 100; }, 1min);
    cluster.script().broker_down();
    sim.run_for(30s);
    EXPECT_NE(loop->state().trouble(), "");
    cluster.script().broker_up();
    publish(100);
    EXPECT_TRUE(sim.run_until([&] { return all_committed(); }, 5min));
    EXPECT_TRUE(sim.run_until([&] { return loop->state().trouble().empty(); }, 2s))
        << "a commit was answered";
    expect_complete_and_in_order();
    end(*loop);
}

TEST_F(group_loop_test, a_group_with_nothing_to_do_leaves_its_trouble_behind_too) {
    auto loop = join(recorder());
    publish(1);
    sim.run_until([&] { return all_committed(); }, 1min);
    cluster.script().broker_down();
    sim.run_for(1s);
    cluster.script().broker_up();
    EXPECT_NE(loop->state().trouble(), "");
    EXPECT_TRUE(sim.run_until([&] { return loop->state().trouble().empty(); }, 2min));
    end(*loop);
}

TEST_F(group_loop_test, a_commit_that_fails_is_part_of_the_next) {
    auto loop = join(recorder());
    cluster.script().fail_commits(3, error(errc::timed_out));
    publish(100);
    EXPECT_TRUE(sim.run_until([&] { return all_committed(); }, 1min));
    end(*loop);
}

TEST_F(group_loop_test, a_handler_that_outlasts_the_drain_is_asked_to_stop_and_its_record_stays_uncommitted) {
    std::optional<stop_reason> reason;
    auto handler = [&](const received<event>&, context& ctx) -> task<void> {
        while (!ctx.stop().stop_requested())
            co_await ctx.sleep(100ms);
        reason = ctx.stop().reason();
        co_await ctx.sleep(10min);
    };
    publish(1);
    auto loop = join(handler);
    sim.run_for(1s);
    loop->stop(2s, 1s);
    sim.wait(loop->ended(), sim.steady_now() + 1h);
    EXPECT_EQ(reason, stop_reason::shutdown);
    EXPECT_EQ(loop->how_it_ended(), loop_end::undrained);
    EXPECT_FALSE(cluster.script().committed("group", {topic, partition_id(0)}).value_or(offset(0)) >
                 offset(0));
}

// Random histories of joins, stops, crashes, evictions, broker loss and failing commits.
class histories : public group_loop_test, public testing::WithParamInterface<int> {
public:
    histories() : group_loop_test(static_cast<std::uint64_t>(GetParam())) {}

    auto handler() {
        return [this](const received<event>& e, context& ctx) -> task<void> {
            const seen now{e.partition().value, e.offset().value, e->n};
            if (now.n % 7 == 0) co_await ctx.sleep(std::chrono::milliseconds(now.n % 300));
            log.push_back(now);
            done_up_to[now.partition] = std::max(done_up_to[now.partition], now.offset + 1);
        };
    }

    void something_happens() {
        switch (random() % 7) {
        case 0:
            members.push_back(join(handler()));
            break;
        case 1:
            leave();
            break;
        case 2:
            publish(static_cast<int>(random() % 200));
            break;
        case 3:
            cluster.script().fail_commits(1, error(errc::timed_out));
            break;
        case 4:
            if (!members.empty()) cluster.script().rebalance("group");
            break;
        case 5:
            evict();
            break;
        default:
            sim.run_for(std::chrono::milliseconds(random() % 3'000));
            break;
        }
    }
    void leave() {
        if (members.empty()) return;
        end(*members.front());
        members.erase(members.begin());
    }
    void evict() {
        const auto group = cluster.script().describe("group");
        if (!group.members.empty() && group.members[0].alive)
            cluster.script().lose_assignment("group", group.members[0].id);
    }

    std::mt19937 random{static_cast<unsigned>(GetParam())};
    std::vector<std::unique_ptr<group_loop>> members;
    std::map<std::int32_t, std::int64_t> done_up_to; // by what ran
};

TEST_P(histories, lose_nothing_and_commit_nothing_that_did_not_run) {
    SCOPED_TRACE("seed " + std::to_string(GetParam()));
    for (int step = 0; step < 60; ++step) {
        something_happens();
        for (std::int32_t p = 0; p < partitions; ++p) {
            const auto committed =
                cluster.script().committed("group", {topic, partition_id(p)}).value_or(offset(0));
            ASSERT_LE(committed.value, done_up_to[p]) << "committed beyond what ran, partition " << p;
        }
    }
    members.push_back(join(handler()));
    EXPECT_TRUE(sim.run_until([&] { return all_committed(); }, 1h));
    expect_complete_and_in_order();
    for (auto& m : members)
        end(*m);
}

INSTANTIATE_TEST_SUITE_P(seeds, histories, testing::Range(1, 101));

} // namespace
} // namespace corvid
