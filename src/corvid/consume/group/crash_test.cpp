// SPDX-License-Identifier: Apache-2.0
//
// Records that kill the process, in a world where it dies: from then on its member says and hears nothing.
#include <corvid/consume/detail/group_world_test.hpp>
#include <corvid/message/wire_names.hpp>

namespace corvid::consume_test {
namespace {

using place = std::pair<std::int32_t, std::int64_t>; // partition and offset

/// One process after the other, each with one member of the group, until all is committed.
class dying_world {
public:
    explicit dying_world(std::uint64_t seed, std::int32_t partitions = 1)
        : draws(seed), w(seed, partitions) {}

    [[nodiscard]] unsigned random() { return static_cast<unsigned>(draws() >> 33U); }

    outcome handle(const received<keyed>& e) {
        const place at{e.partition().value, e.offset().value};
        if (dead) return done; // nobody sees this
        if (killers.contains({e->key, e->n})) {
            died_of.insert(at);
            dead = true;
            w.cluster.script().drop_member("group", id);
            return done;
        }
        handled.insert(at);
        return done;
    }
    void begin() {
        dead = false;
        id = "m" + std::to_string(++life);
        subscription with{
            .order = how, .concurrency = concurrency, .failure = {.rejected = when_rejected::dead_letters}};
        group_settings settings{.source = {.client_id = id, .session_timeout = 6s}, .seed = life};
        if (plain) {
            loop = w.join([this](const received<keyed>& e) { return handle(e); }, std::move(with), settings);
            return;
        }
        loop = w.join(
            [this](const received<keyed>& e, context& ctx) -> task<outcome> {
                co_await ctx.sleep(std::chrono::milliseconds(dead ? 0 : 1 + random() % slowest_ms));
                co_return handle(e);
            },
            std::move(with), settings);
    }
    /// Lives until all is committed; answers how many that took.
    unsigned live(unsigned most) {
        while (life < most) {
            begin();
            EXPECT_TRUE(w.sim.run_until([this] { return dead || w.all_committed(); }, 1h))
                << "it stands still";
            const bool over = !dead;
            w.end(*loop);
            loop.reset();
            if (over) return life;
        }
        return 0;
    }
    void expect_the_killers_alone_in_the_dead_letters() {
        std::set<place> letters;
        const auto all = w.dead_letters();
        for (const auto& letter : all) {
            const auto number = [&](std::string_view name) {
                return std::stoll(std::string(*letter.its_headers.find(name)));
            };
            letters.insert(
                {static_cast<std::int32_t>(number(wire::dlq_partition)), number(wire::dlq_offset)});
            EXPECT_EQ(*letter.its_headers.find(wire::error_type), "process_died");
            EXPECT_GE(number(wire::dlq_delivery_count), 3);
        }
        EXPECT_EQ(letters.size(), all.size()) << "one is there twice";
        EXPECT_EQ(letters, died_of);
        EXPECT_EQ(letters.size(), killers.size());
        EXPECT_EQ(handled.size() + letters.size(), static_cast<std::size_t>(w.count)) << "a record is lost";
        for (const place& each : letters)
            EXPECT_FALSE(handled.contains(each));
    }

    prng draws;
    group_world w;
    std::set<std::pair<std::string, int>> killers;
    std::set<place> died_of, handled;
    order how = by_key;
    std::size_t concurrency = 256;
    bool plain = false;
    unsigned slowest_ms = 20;
    unsigned life = 0;
    bool dead = false;
    std::string id;
    std::unique_ptr<group_loop> loop;
};

TEST(a_record_that_kills, is_in_the_dead_letters_after_three_deaths_and_the_offset_moves_on) {
    dying_world d(1);
    d.killers = {{"k0", 0}};
    d.w.publish(10, 10);
    EXPECT_EQ(d.live(10), 4u) << "two starts, one alone, and the one that puts it elsewhere";
    d.expect_the_killers_alone_in_the_dead_letters();
    EXPECT_EQ(d.w.cluster.script().committed_metadata("group", {keyed_topic, partition_id(0)}),
              "corvid1;starts=0");
    EXPECT_EQ(d.w.lines_with("a record that kills the process is not run again"), 1);
}

TEST(a_record_that_kills, is_found_far_behind_what_is_committed) {
    dying_world d(2);
    d.plain = true;
    d.killers = {{"k7", 900}};
    d.w.publish(10, 1'000);
    const unsigned lives = d.live(20);
    EXPECT_TRUE(lives > 0 && lives <= 7) << lives;
    d.expect_the_killers_alone_in_the_dead_letters();
}

TEST(a_record_that_kills, stops_its_partition_where_that_is_the_policy) {
    dying_world d(3);
    d.w.publish(3, 3);
    for (int i = 0; i < 3; ++i) {
        auto loop = d.w.join(
            [&](const keyed& e) {
                if (e.key == "k1") d.w.cluster.script().drop_member("group", "m" + std::to_string(i));
            },
            {}, {.source = {.client_id = "m" + std::to_string(i), .session_timeout = 6s}});
        d.w.sim.run_for(10s);
        d.w.end(*loop, 0s, 0s);
    }
    int ran = 0;
    for (int i = 0; i < 3; ++i) {
        auto loop = d.w.join([&](const keyed&) { ++ran; }, {});
        d.w.sim.run_for(20s);
        EXPECT_NE(loop->state().stopped().find("offset 1"), std::string::npos) << loop->state().stopped();
        d.w.end(*loop);
    }
    EXPECT_EQ(d.w.committed(0), 1) << "a clean stop does not forget what kills";
    EXPECT_EQ(ran, 0);
}

TEST(a_record_that_kills, is_none_that_failed_and_came_back) {
    dying_world d(4);
    d.w.publish(2, 2);
    const auto join = [&](const std::string& id, std::function<outcome(const keyed&)> f) {
        return d.w.join(std::move(f),
                        {.failure = {.retry = {.first = 1h, .limit = 9, .cap = 2h},
                                     .rejected = when_rejected::dead_letters}},
                        {.source = {.client_id = id, .session_timeout = 6s}});
    };
    const auto drop = [&](const std::string& id) { d.w.cluster.script().drop_member("group", id); };
    for (const std::string id : {"a", "b", "c"}) {
        const bool fails = id == "c";
        auto loop = join(id, [&](const keyed& e) -> outcome {
            if (!fails) drop(id);
            return e.key == "k0" ? retry("not yet") : done;
        });
        d.w.sim.run_for(20s);
        if (fails) drop(id); // by something else
        d.w.end(*loop, 0s, 0s);
    }
    EXPECT_EQ(d.w.lines_with("records run one at a time"), 1);
    int ran = 0;
    auto last = join("d", [&](const keyed&) -> outcome { return ++ran, done; });
    EXPECT_TRUE(d.w.sim.run_until([&] { return d.w.all_committed(); }, 1h));
    d.w.end(*last);
    EXPECT_EQ(ran, 4);
    EXPECT_TRUE(d.w.dead_letters().empty());
}

TEST(a_clean_stop, forgets_the_starts_before_it) {
    dying_world d(5, 2);
    auto metadata = [&](std::int32_t p) {
        return d.w.cluster.script().committed_metadata("group", {keyed_topic, partition_id(p)});
    };
    d.w.publish(8, 3);
    for (int i = 0; i < 5; ++i) {
        auto loop = d.w.join([](const keyed&, context& ctx) -> task<void> { co_await ctx.sleep(10s); }, {});
        d.w.sim.run_for(3s);
        EXPECT_EQ(metadata(0), "corvid1;starts=1") << "noted before a record is done";
        EXPECT_EQ(d.w.committed(0), 0);
        EXPECT_EQ(d.w.end(*loop, 0s, 0s), loop_end::undrained);
        EXPECT_EQ(metadata(0), "corvid1;starts=0");
        d.w.sim.run_for(10s);
    }
}

TEST(a_clean_stop, of_commits_by_hand_writes_nothing_beside_the_offset) {
    dying_world d(6);
    d.w.publish(1, 3);
    auto loop = d.w.join([](const keyed&) {}, {.order = by_partition, .commit = commit_mode::by_hand});
    d.w.sim.run_for(3s);
    loop->commit_up_to({keyed_topic, partition_id(0)}, next(epoch::none), offset(2));
    d.w.end(*loop);
    EXPECT_EQ(d.w.committed(0), 2);
    EXPECT_EQ(d.w.cluster.script().committed_metadata("group", {keyed_topic, partition_id(0)}), "");
}

class deaths : public testing::TestWithParam<int> {};

TEST_P(deaths, cost_the_killers_alone_whatever_runs_beside_them) {
    SCOPED_TRACE("seed " + std::to_string(GetParam()));
    dying_world d(static_cast<std::uint64_t>(GetParam()), 1 + GetParam() % 4);
    d.how = GetParam() % 3 == 0 ? by_partition : GetParam() % 3 == 1 ? by_key : unordered;
    d.plain = GetParam() % 5 == 0;
    d.concurrency = 1 + d.random() % 60;
    d.slowest_ms = 1 + d.random() % 3'000;
    const int keys = 1 + static_cast<int>(d.random() % 12), each = 1 + static_cast<int>(d.random() % 30);
    for (unsigned i = d.random() % 4; i > 0; --i)
        d.killers.insert({"k" + std::to_string(d.random() % static_cast<unsigned>(keys)),
                          static_cast<int>(d.random() % static_cast<unsigned>(each))});
    d.w.publish(keys, each);
    EXPECT_GT(d.live(2 + 8 * static_cast<unsigned>(d.killers.size()) + static_cast<unsigned>(d.w.count)), 0u)
        << "too many lives: each finds a killer or moves an offset";
    d.expect_the_killers_alone_in_the_dead_letters();
}

INSTANTIATE_TEST_SUITE_P(seeds, deaths, testing::Range(1, 201));

} // namespace
} // namespace corvid::consume_test
