// SPDX-License-Identifier: Apache-2.0
//
// What a group's loop does when partitions come and go while handlers are at work, event by event.
#include <corvid/base/simulation.hpp>
#include <corvid/consume/group_loop.hpp>
#include <corvid/consume/pull.hpp>
#include <corvid/consume/scripted_source.hpp>

#include <gtest/gtest.h>

namespace corvid {
namespace {

using namespace std::chrono_literals;

/// Keeps each run until the test ends it.
struct holding final : handler {
    void start(run& records) noexcept override {
        held[static_cast<std::size_t>(records.origin().where.partition.value)] = &records;
        from.push_back({records.origin().where.partition.value, records.current().offset});
    }
    std::array<run*, 2> held{};
    std::vector<std::pair<std::int32_t, std::int64_t>> from; // partition and first offset of each start
};

class group_membership : public testing::Test {
public:
    template <class H>
    H& join(const failure_settings& failure = {}, commit_mode commit = commit_mode::when_done,
            const std::optional<batch_limits>& batch = {}) {
        std::vector<subscription> subscriptions(1);
        auto handle = std::make_unique<H>();
        H& mine = *handle;
        subscriptions[0] = {.name = "test",
                            .topics = {scripted::topic},
                            .order = by_partition,
                            .failure = failure,
                            .batch = batch,
                            .commit = commit,
                            .handle = std::move(handle)};
        group_settings settings;
        settings.source.group = "g";
        const logger log({.burst = 0, .output = [this](std::string_view l) { lines.emplace_back(l); }});
        loop = std::make_unique<group_loop>(cluster, sim, std::move(settings), std::move(subscriptions), log,
                                            nullptr);
        loop->start();
        return mine;
    }
    void say(broker::source_event what) {
        cluster.source->say(std::move(what));
        sim.run_for(1ms);
    }
    void end(run* of) {
        of->end();
        sim.run_for(1ms);
    }
    void reject(run* of) {
        of->complete(dead_letter(error(errc::handler_rejected)));
        end(of);
    }
    [[nodiscard]] std::int64_t committed(std::size_t partition) { return cluster.committed[partition]; }

    simulation sim{1};
    scripted::cluster cluster;
    std::vector<std::string> lines;
    std::unique_ptr<group_loop> loop;
};

const broker::assigned both{{scripted::partition(0), scripted::partition(1)}};
const broker::revoked second{{scripted::partition(1)}, false};

TEST_F(group_membership, a_record_that_fails_while_another_partition_is_revoked_is_tried_again) {
    auto& work = join<holding>();
    say(both);
    say(second);
    work.held[0]->complete(retry(error(errc::handler_rejected)));
    end(work.held[0]);
    end(work.held[1]);
    EXPECT_EQ(cluster.source->releases, 1);
    sim.run_for(5s);
    EXPECT_EQ(work.from.back(), (std::pair<std::int32_t, std::int64_t>(0, 0)));
    EXPECT_EQ(work.held[0]->attempt(), 2);
    EXPECT_EQ(committed(0), 0) << "nothing of it is done";
    end(work.held[0]);
}

TEST_F(group_membership, a_record_passed_over_while_another_partition_is_revoked_takes_none_with_it) {
    auto& work = join<holding>({.rejected = when_rejected::pass_over});
    say(both);
    say(second);
    reject(work.held[0]);
    end(work.held[1]);
    sim.run_for(5s);
    EXPECT_EQ(work.from.back(), (std::pair<std::int32_t, std::int64_t>(0, 1)));
    EXPECT_EQ(committed(0), 1);
    end(work.held[0]);
}

TEST_F(group_membership, what_a_handler_left_of_its_run_without_being_asked_comes_again) {
    auto& work = join<holding>();
    say(both);
    work.held[0]->complete(done);
    end(work.held[0]);
    EXPECT_EQ(work.from.back(), (std::pair<std::int32_t, std::int64_t>(0, 1)));
    sim.run_for(5s);
    EXPECT_EQ(committed(0), 1);
}

TEST_F(group_membership, a_closed_stream_moves_no_offset_past_what_was_read) {
    auto& in = join<pull_handler>();
    say(both);
    ASSERT_TRUE(in.try_next().has_value());
    in.close();
    sim.run_for(5s);
    EXPECT_EQ(committed(0), 0);
    EXPECT_EQ(committed(1), 0);
    loop->stop(1s, 1s);
    EXPECT_TRUE(sim.wait(loop->ended(), sim.steady_now() + 1min));
    EXPECT_EQ(loop->how_it_ended(), loop_end::clean);
    EXPECT_EQ(committed(0), 0);
    EXPECT_EQ(committed(1), 0);
}

TEST_F(group_membership, a_client_that_breaks_while_a_revoke_is_held_leaves_no_timer_behind) {
    auto& work = join<holding>();
    say(both);
    say(second);
    say(broker::source_error{error(errc::client_fatal)});
    for (run* each : work.held)
        end(each);
    sim.run_for(2s);
    ASSERT_EQ(cluster.joins, 2) << "it was replaced";
    say(both);
    say(second);
    sim.run_for(18500ms); // the first drain would be over, the second is not
    EXPECT_EQ(cluster.source->releases, 0);
    sim.run_for(2s);
    EXPECT_EQ(cluster.source->releases, 1);
    for (run* each : work.held)
        end(each);
}

const error no_offset(errc::no_committed_offset,
                      {.operation = "fetch", .topic = "test.event.made", .partition = 1});

TEST_F(group_membership, a_partition_without_an_offset_stops_alone_and_is_named) {
    auto& work = join<holding>();
    cluster.source->next[1] = scripted::records; // nothing comes of it
    say(both);
    say(broker::source_error{no_offset});
    EXPECT_NE(loop->state().stopped().find("test.event.made[1]"), std::string::npos);
    EXPECT_EQ(loop->state().trouble(), "");
    work.held[0]->complete(done);
    sim.run_for(4min);
    EXPECT_EQ(cluster.joins, 1) << "the others go on with the client they have";
    EXPECT_EQ(committed(0), 1);
    say(broker::revoked{{scripted::partition(0), scripted::partition(1)}, true});
    EXPECT_EQ(loop->state().stopped(), "") << "the next assignment looks anew";
    end(work.held[0]);
}

TEST_F(group_membership, an_offset_that_cannot_be_read_is_told_while_nothing_behind_it_comes) {
    auto& work = join<holding>();
    cluster.source->next[1] = scripted::records; // nothing comes of it
    say(both);
    const error broken(errc::broker_error, {.message = "bad compression",
                                            .operation = "fetch",
                                            .topic = "test.event.made",
                                            .partition = 1,
                                            .offset = 7});
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(loop->state().findings(), "");
        say(broker::source_error{broken});
        sim.run_for(2s);
    }
    EXPECT_NE(loop->state().findings().find("test.event.made[1] cannot be read on from offset 7, 3 times"),
              std::string::npos)
        << loop->state().findings();
    EXPECT_NE(loop->state().trouble().find("bad compression"), std::string::npos);
    cluster.source->next[1] = 8; // an operator has passed it by
    cluster.source->listener.ready();
    sim.run_for(2s);
    EXPECT_EQ(loop->state().findings(), "");
    for (run* each : work.held)
        end(each);
}

TEST_F(group_membership, a_partition_that_lost_its_place_ends_the_run_at_work_and_then_stops) {
    auto& work = join<holding>();
    say(both);
    say(broker::source_error{no_offset});
    EXPECT_NE(loop->state().stopped().find("CVD-5002"), std::string::npos);
    for (int i = 0; i < scripted::a_run; ++i)
        work.held[1]->complete(done);
    const std::size_t runs = work.from.size();
    end(work.held[1]);
    sim.run_for(5s);
    EXPECT_EQ(committed(1), scripted::a_run);
    EXPECT_EQ(work.from.size(), runs);
    end(work.held[0]);
}

TEST_F(group_membership, every_partition_that_stopped_is_named) {
    auto& work = join<holding>();
    say(both);
    reject(work.held[0]);
    reject(work.held[1]);
    for (const char* each : {"test.event.made[0] at offset 0", "test.event.made[1] at offset 0"})
        EXPECT_NE(loop->state().stopped().find(each), std::string::npos) << loop->state().stopped();
}

TEST_F(group_membership, a_partition_that_stopped_is_told_as_such_when_others_are_assigned) {
    auto& work = join<holding>();
    say(broker::assigned{{scripted::partition(0)}});
    reject(work.held[0]);
    for (int i = 0; i < 2; ++i) {
        sim.run_for(2s);
        EXPECT_NE(loop->state().findings().find("a record stopped the partition"), std::string::npos)
            << loop->state().findings();
        if (i == 0) say(broker::assigned{{scripted::partition(1)}});
    }
    end(work.held[1]);
}

/// Does each batch.
struct batching final : handler {
    void start(run& first) noexcept override {
        for (run* each = &first; each;) {
            run& over = *each;
            each = over.beside();
            for (; over.has_next(); ++handled)
                over.complete(done);
            if (&over != &first) over.end();
        }
        first.end();
    }
    int handled = 0;
};

TEST_F(group_membership, a_partition_that_stopped_leaves_the_batches_of_others_to_fill) {
    auto& work = join<batching>({}, commit_mode::when_done, batch_limits{.max = 500, .within = 1h});
    cluster.source->next[1] = scripted::records; // nothing comes of it
    say(broker::assigned{{scripted::partition(1)}});
    say(broker::source_error{no_offset});
    say(broker::assigned{{scripted::partition(0)}});
    sim.run_for(50min);
    EXPECT_EQ(work.handled, 0);
    sim.run_for(20min);
    EXPECT_EQ(work.handled, scripted::records);
}

/// Fails once, then does all.
struct failing_once final : handler {
    void start(run& records) noexcept override {
        if (!std::exchange(failed, true)) {
            records.complete(retry(error(errc::handler_rejected)));
        } else {
            for (; records.has_next(); ++handled)
                records.complete(done);
        }
        records.end();
    }
    bool failed = false;
    int handled = 0;
};

TEST_F(group_membership, after_a_retry_the_next_run_is_taken_though_the_source_says_nothing_new) {
    auto& work = join<failing_once>();
    say(broker::assigned{{scripted::partition(0)}});
    sim.run_for(1min);
    EXPECT_EQ(work.handled, scripted::records);
    EXPECT_EQ(committed(0), scripted::records);
}

} // namespace
} // namespace corvid
