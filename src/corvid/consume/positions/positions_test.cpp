// SPDX-License-Identifier: Apache-2.0
//
// Where partitions begin whose stage keeps positions.
#include <corvid/consume/detail/group_world_test.hpp>
#include <corvid/consume/shapes/completion_stage.hpp>

namespace corvid::consume_test {
namespace {

/// Answers what the test says, when it says so; refuses positions from 1,000 on.
class scripted_positions final : public completion_stage, public position_keeper {
public:
    void reopen(std::uint64_t) noexcept override {}
    void dead_lettered(context&) override {}
    [[nodiscard]] bool is_attempt(const error&) const noexcept override { return true; }
    [[nodiscard]] position_keeper* positions() noexcept override { return this; }

    void find(const topic_partition& of, std::function<void(result<std::optional<offset>>)> then) override {
        ++asked;
        if (is_silent) return;
        if (failures-- > 0) return then(fail(errc::database_unreachable));
        const auto known = at.find(of.partition.value);
        then(known == at.end() ? std::nullopt : std::optional(offset(known->second)));
    }
    [[nodiscard]] result<void> check(const topic_partition&, offset position,
                                     const broker::log_range& log) const override {
        if (position > log.end) return fail(errc::offset_outside_log);
        return {};
    }
    [[nodiscard]] std::uint64_t begin(const topic_partition& of, offset first, bool is_position,
                                      std::function<void(const error&)> when_lost) override {
        began[of.partition.value] = {first.value, is_position};
        lost = std::move(when_lost);
        return ++tickets;
    }
    void took(std::uint64_t, std::span<const record> records) override {
        for (const record& each : records)
            seen.push_back(each.offset);
    }
    void take_back(std::uint64_t, offset) override {}
    void cut_from(std::uint64_t, offset from) override { cuts.push_back(from.value); }
    void end(std::uint64_t) override { ++ended; }

    std::map<std::int32_t, std::int64_t> at;
    int failures = 0;
    bool is_silent = false;
    int asked = 0, ended = 0;
    std::uint64_t tickets = 0;
    std::map<std::int32_t, std::pair<std::int64_t, bool>> began;
    std::vector<std::int64_t> seen;
    std::function<void(const error&)> lost;
    std::vector<std::int64_t> cuts;
};

class positions_of_a_group : public testing::Test {
public:
    std::unique_ptr<group_loop> join() {
        return world.join([this](const keyed& e) { handled.push_back(e.n); }, {.completes = stage});
    }
    static std::vector<int> numbers(int from, int to) {
        std::vector<int> all;
        for (; from < to; ++from)
            all.push_back(from);
        return all;
    }
    group_world world{1, 1};
    std::shared_ptr<scripted_positions> stage = std::make_shared<scripted_positions>();
    std::vector<int> handled;
};

TEST_F(positions_of_a_group, reading_begins_at_the_position_and_the_stage_hears_of_every_record) {
    world.publish(1, 100);
    stage->at[0] = 60;
    auto loop = join();
    world.sim.run_for(5s);
    EXPECT_EQ(handled, numbers(60, 100));
    EXPECT_EQ(stage->began[0], std::pair(std::int64_t{60}, true));
    EXPECT_EQ(stage->seen.size(), 40u);
    EXPECT_EQ(world.committed(0), 100);
    EXPECT_EQ(world.end(*loop), loop_end::clean);
    ASSERT_FALSE(stage->cuts.empty());
    EXPECT_EQ(stage->cuts.front(), 100) << "nothing that ran was in vain";
    EXPECT_EQ(stage->ended, 1);
}

TEST_F(positions_of_a_group, without_one_it_begins_at_the_groups_commit) {
    world.publish(1, 100);
    {
        auto loop = join();
        world.sim.run_for(5s);
        EXPECT_EQ(stage->began[0], std::pair(std::int64_t{0}, false));
        EXPECT_EQ(world.end(*loop), loop_end::clean);
    }
    world.publish(1, 10);
    auto loop = join();
    world.sim.run_for(5s);
    EXPECT_EQ(stage->began[0], std::pair(std::int64_t{100}, false));
    EXPECT_EQ(handled, numbers(0, 110));
    EXPECT_EQ(world.end(*loop), loop_end::clean);
}

TEST_F(positions_of_a_group, it_is_asked_again_until_it_is_known_and_nothing_runs_before) {
    world.publish(1, 100);
    stage->at[0] = 60;
    stage->failures = 5;
    auto loop = join();
    world.sim.run_for(4s);
    EXPECT_EQ(handled.size(), 0u);
    world.sim.run_for(5s);
    EXPECT_EQ(stage->asked, 6);
    EXPECT_EQ(handled, numbers(60, 100));
    EXPECT_EQ(world.end(*loop), loop_end::clean);
}

TEST_F(positions_of_a_group, a_stop_does_not_wait_for_an_answer) {
    world.publish(1, 100);
    stage->is_silent = true;
    auto loop = join();
    world.sim.run_for(4s);
    const auto before = world.sim.steady_now();
    EXPECT_EQ(world.end(*loop), loop_end::clean);
    EXPECT_LT(world.sim.steady_now() - before, 2s);
    EXPECT_EQ(handled.size(), 0u);
}

TEST_F(positions_of_a_group, one_outside_of_the_log_stops_the_partition) {
    world.publish(1, 100);
    stage->at[0] = 101;
    auto loop = join();
    world.sim.run_for(1min);
    EXPECT_EQ(handled.size(), 0u);
    EXPECT_EQ(world.lines_with("a partition stops: it cannot be read from its position"), 1);
    EXPECT_EQ(world.end(*loop), loop_end::clean);
}

TEST_F(positions_of_a_group, one_that_was_moved_back_is_read_from_there) {
    world.publish(1, 100);
    auto loop = join();
    world.sim.run_for(5s);
    stage->at[0] = 90;
    stage->lost(error(errc::offset_moved));
    world.sim.run_for(1min);
    auto expected = numbers(0, 100);
    for (const int n : numbers(90, 100))
        expected.push_back(n);
    EXPECT_EQ(handled, expected);
    EXPECT_EQ(world.end(*loop), loop_end::clean);
}

} // namespace
} // namespace corvid::consume_test
