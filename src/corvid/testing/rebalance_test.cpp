// SPDX-License-Identifier: Apache-2.0
//
// What holds while members of a group come, go, die and are thrown out, eager and cooperative, dynamic and
// static: random histories, each from its seed, and what one kind promises beyond the others.
#include <corvid/base/random_test.hpp>
#include <corvid/testing/history_checks_test.hpp>
#include <corvid/testing/matchers.hpp>

#include <algorithm>

namespace corvid::testing {
namespace {

constexpr duration drain = 5s, grace = 1s;

struct kind {
    std::string assignor;
    bool is_static;
    [[nodiscard]] std::string name() const {
        return std::string(assignor == "range" ? "eager" : "cooperative") +
               (is_static ? "_static" : "_dynamic");
    }
};
std::ostream& operator<<(std::ostream& to, const kind& of) { return to << of.name(); }

settings settings_of(const kind& how, std::uint32_t workers = 1) {
    settings with{.service = "shop"};
    with.kafka.assignor = how.assignor;
    with.kafka.session_timeout = 10s;
    if (how.is_static) with.kafka.membership = membership::fixed;
    with.shutdown.drain = std::chrono::duration_cast<std::chrono::milliseconds>(drain);
    with.shutdown.grace = std::chrono::duration_cast<std::chrono::milliseconds>(grace);
    with.threads.workers = workers;
    return with;
}

/// Most take milliseconds, a few outlast every drain.
void work_slowly(corvid::service& s) {
    s.on<order_placed>("orders",
                       [](const order_placed& o, context& ctx) -> task<void> {
                           const bool outlasts = (o.n * 7 + static_cast<int>(o.customer.size())) % 23 == 0;
                           co_await ctx.sleep(outlasts ? duration(8s)
                                                       : std::chrono::milliseconds(20 + o.n % 13));
                       },
                       {.concurrency = 32});
}

/// What goes on in a world, by its seed.
class turmoil {
public:
    turmoil(world& w, std::uint64_t seed) : w_(w), random_(seed) {}

    void go_on(int steps) {
        for (int i = 0; i < steps; ++i) {
            w_.run_for(std::chrono::milliseconds(random_.below(3'000)));
            publish_orders(w_, 12, 1, published_++);
            one();
        }
    }
    [[nodiscard]] const std::vector<stop_asked>& stops() const noexcept { return stops_; }

private:
    void one() {
        const std::string who = "shop-" + std::to_string(1 + random_.below(3));
        switch (random_.below(10)) {
        case 0:
            stops_.push_back({who, w_.now()});
            return static_cast<void>(w_.stop(who));
        case 1:
        case 2:
            return static_cast<void>(w_.start_again(who));
        case 3: // within its session, or after it
            return static_cast<void>(
                w_.crash({.instance = who, .restart_after = random_.below(2) == 0 ? 1s : 15s}));
        case 4:
            return static_cast<void>(w_.crash_at(any_commit, {.instance = who}));
        case 5:
            return static_cast<void>(w_.lose_assignment(who));
        case 6:
        case 7:
            return static_cast<void>(w_.rebalance());
        case 8:
            return static_cast<void>(w_.fail_commits(1 + random_.below(2)));
        default:
            return static_cast<void>(w_.broker_down_for(std::chrono::milliseconds(random_.below(4'000))));
        }
    }
    world& w_;
    prng random_;
    int published_ = 0;
    std::vector<stop_asked> stops_;
};

class rebalance : public ::testing::TestWithParam<kind> {
protected:
    static constexpr std::string_view topic = "shop.order.placed", group = "shop.orders";

    group_history play(std::uint64_t seed) {
        world w(seed, {.partitions = 6});
        w.start(work_slowly, {.instances = 3,
                              .settings = settings_of(GetParam(), static_cast<std::uint32_t>(1 + seed % 3))});
        turmoil of(w, seed);
        of.go_on(25);
        w.run_for(20s);
        for (const char* each : {"shop-1", "shop-2", "shop-3"})
            w.start_again(each);
        w.run_until_consumed(1h);
        crashes_ += w.crashes();
        group_history seen = history_of(w, topic, group);
        seen.stops = of.stops();
        last_ = w.describe();
        EXPECT_THAT(w.handled(), in_order_by_key());
        return seen;
    }
    std::size_t crashes_ = 0;
    std::string last_;
};

TEST_P(rebalance, random_histories_lose_nothing_keep_order_and_end_in_bounds) {
    constexpr std::size_t seeds = is_sanitized ? 50 : 250;
    std::size_t lost = 0, drained = 0, overrun = 0, put_aside = 0;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        const group_history seen = play(seed);
        ASSERT_EQ(lost_records(seen), "") << last_;
        ASSERT_EQ(order_violations(seen), "") << last_;
        ASSERT_EQ(begins_after_the_end(seen), "") << last_;
        ASSERT_EQ(two_at_once(seen, drain), "") << last_;
        ASSERT_EQ(wrong_commits(seen), "") << last_;
        ASSERT_EQ(commits_after_the_end(seen), "") << last_;
        ASSERT_EQ(late_releases(seen, drain, grace), "") << last_;
        ASSERT_FALSE(HasFailure()) << last_;
        for (const tenancy_seen& each : seen.tenancies) {
            ++(each.lost ? lost : drained);
            overrun += !each.lost && each.asked && each.over && *each.over - *each.asked >= drain;
        }
        put_aside += seen.put_aside.size();
    }
    EXPECT_GT(crashes_, seeds * 8 / 10);
    EXPECT_GT(lost, seeds * 12 / 10);
    EXPECT_GT(drained, seeds * 2);
    EXPECT_GT(overrun, seeds * 8 / 100) << "handlers hardly ever outlast a drain";
    // Who was at work in three deaths in a row is named by the crash protocol, whatever killed the process.
    EXPECT_LT(put_aside * 10, crashes_);
}

INSTANTIATE_TEST_SUITE_P(kinds, rebalance,
                         ::testing::Values(kind{"range", false}, kind{"range", true},
                                           kind{"cooperative-sticky", false},
                                           kind{"cooperative-sticky", true}),
                         [](const auto& with) { return with.param.name(); });

/// The partitions of an instance's tenancies that are not over.
std::set<topic_partition> held_by(const world& w, const std::string& instance) {
    std::set<topic_partition> all;
    for (const tenancy_seen& each : w.tenancies())
        if (each.instance == instance && !each.over) all.insert(each.where);
    return all;
}

TEST(rebalance_of_cooperative_members, goes_on_with_what_is_kept_while_the_rest_drains) {
    world w(1, {.partitions = 6});
    w.start(
        [](corvid::service& s) {
            s.on<order_placed>("orders",
                               [](const order_placed& o, context& ctx) -> task<void> {
                                   co_await ctx.sleep(o.n == 1 ? duration(4s) : duration(10ms));
                               },
                               {.concurrency = 64});
        },
        {.settings = settings_of({"cooperative-sticky", false})});
    publish_orders(w, 30, 1);
    w.run_until_consumed();
    for (const auto& each : w.topic<order_placed>())
        if (each.where.partition.value >= 3) w.publish(order_placed{each->customer, 1});
    w.run_for(100ms);
    w.scale("shop", 2).run_for(100ms);
    publish_orders(w, 30, 1, 2);
    w.run_for(3s);
    EXPECT_EQ(held_by(w, "shop-1").size(), 6u) << "three of them drain";
    EXPECT_EQ(held_by(w, "shop-2").size(), 0u);
    std::map<std::int32_t, std::int64_t> ends;
    for (const auto& each : w.topic<order_placed>())
        ends[each.where.partition.value] = each.offset.value + 1;
    for (const std::int32_t kept : {0, 1, 2})
        EXPECT_EQ(w.committed("shop.orders", "shop.order.placed")[kept], ends[kept]) << "of " << kept;
    w.run_until_consumed();
    EXPECT_EQ(held_by(w, "shop-1").size(), 3u);
    EXPECT_EQ(held_by(w, "shop-2").size(), 3u);
    std::size_t ended = 0;
    for (const tenancy_seen& each : w.tenancies())
        ended += each.over.has_value();
    EXPECT_EQ(ended, 3u) << "what is kept is never touched";
}

class rebalance_of_static_members : public ::testing::TestWithParam<const char*> {};

TEST_P(rebalance_of_static_members, is_none_where_one_is_back_within_its_session) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        prng random(seed);
        world w(seed, {.partitions = 6});
        w.start(work_slowly, {.instances = 3, .settings = settings_of({GetParam(), true})});
        w.run_for(5s);
        const std::set<topic_partition> had = held_by(w, "shop-2");
        const std::size_t given = w.tenancies().size();
        for (int i = 0; i < 4; ++i) {
            publish_orders(w, 12, 1, i);
            w.run_for(std::chrono::milliseconds(random.below(2'000)));
            if (random.below(2) == 0) {
                w.crash({.instance = "shop-2", .restart_after = 3s}).run_for(4s);
            } else {
                static_cast<void>(w.stop("shop-2"));
                w.run_for(3s).start_again("shop-2").run_for(1s);
            }
            ASSERT_EQ(held_by(w, "shop-2"), had) << w.describe();
        }
        w.run_until_consumed();
        ASSERT_EQ(w.tenancies().size(), given + 4 * had.size()) << "only its own were given anew";
        ASSERT_EQ(lost_records(history_of(w, "shop.order.placed", "shop.orders")), "") << w.describe();
    }
}

INSTANTIATE_TEST_SUITE_P(kinds, rebalance_of_static_members, ::testing::Values("range", "cooperative-sticky"),
                         [](const auto& with) {
                             return std::string(with.index == 0 ? "eager" : "cooperative");
                         });

} // namespace
} // namespace corvid::testing
