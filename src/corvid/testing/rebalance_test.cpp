// SPDX-License-Identifier: Apache-2.0
//
// What holds while members of a group come, go, die and are thrown out, eager and cooperative, dynamic and
// static: random histories, each from its seed.
#include <corvid/testing/matchers.hpp>
#include <corvid/testing/sample_test.hpp>

#include <algorithm>
#include <map>
#include <set>

namespace corvid::testing {
namespace {

struct shape {
    const char* assignor;
    bool is_static;
};
std::string name_of(const ::testing::TestParamInfo<shape>& of) {
    return std::string(of.param.assignor == std::string("range") ? "eager" : "cooperative") +
           (of.param.is_static ? "_static" : "_dynamic");
}

settings settings_of(const shape& how) {
    settings with{.service = "shop"};
    with.kafka.assignor = how.assignor;
    with.kafka.session_timeout = 10s;
    if (how.is_static) with.kafka.membership = membership::fixed;
    with.shutdown.drain = 5s;
    with.shutdown.grace = 1s;
    return with;
}

class rebalance : public ::testing::TestWithParam<shape> {
protected:
    /// Most take milliseconds, a few outlast every drain.
    static auto slow(corvid::service& s) {
        s.on<order_placed>(
            "orders",
            [](const order_placed& o, context& ctx) -> task<void> {
                const bool outlasts = (o.n * 7 + static_cast<int>(o.customer.size())) % 61 == 0;
                co_await ctx.sleep(outlasts ? duration(8s) : std::chrono::milliseconds(20 + o.n % 13));
            },
            {.concurrency = 32});
    }
};

/// What goes on in a world, by its seed.
class chaos {
public:
    chaos(world& w, std::uint64_t seed) : w_(w), random_(seed) {}

    void go_on(int steps) {
        for (int i = 0; i < steps; ++i) {
            w_.run_for(std::chrono::milliseconds(random_.below(3'000)));
            publish_orders(w_, 12, 1, published_++);
            one();
        }
    }
    [[nodiscard]] int published() const noexcept { return published_; }

private:
    void one() {
        const std::string who = "shop-" + std::to_string(1 + random_.below(3));
        switch (random_.below(9)) {
        case 0:
            return static_cast<void>(w_.stop(who));
        case 1:
        case 2:
            return static_cast<void>(w_.start_again(who));
        case 3:
            return static_cast<void>(w_.crash({.instance = who}));
        case 4:
            return static_cast<void>(w_.crash_at(any_commit, {.instance = who}));
        case 5:
            return static_cast<void>(w_.lose_assignment(who));
        case 6:
            return static_cast<void>(w_.rebalance());
        case 7:
            return static_cast<void>(w_.fail_commits(1 + random_.below(2)));
        default:
            return static_cast<void>(w_.broker_down_for(std::chrono::milliseconds(random_.below(4'000))));
        }
    }
    world& w_;
    prng random_;
    int published_ = 0;
};

auto in_ms(duration span) { return std::chrono::duration_cast<std::chrono::milliseconds>(span).count(); }

std::string told(const handled_record& r) {
    return to_string(r.where) + '@' + std::to_string(r.offset.value) + " of key " + *r.key + " in " +
           r.instance + " (tenancy " + std::to_string(r.tenancy) + ") from " +
           std::to_string(in_ms(r.began)) + " to " + std::to_string(in_ms(r.ended)) + " ms";
}

/// A member works on a record of a key beside another only where it has lost the partition, or given it back
/// when the drain was over.
void expect_no_two_at_once(const world& w) {
    const auto handled = w.handled();
    std::map<std::string, std::vector<const handled_record*>> by_key;
    for (const handled_record& each : handled)
        by_key[*each.key].push_back(&each);
    for (auto& [key, its] : by_key) {
        std::ranges::sort(its, {}, [](const auto* one) { return one->began; });
        for (std::size_t i = 1; i < its.size(); ++i) {
            const handled_record &first = *its[i - 1], &second = *its[i];
            if (second.began >= first.ended) continue;
            const tenancy_seen& its_first = w.tenancies()[first.tenancy];
            ASSERT_TRUE(its_first.over && *its_first.over <= second.began)
                << told(first) << " and " << told(second) << " ran at once; the first tenancy was over at "
                << in_ms(its_first.over.value_or(duration(-1))) << '\n'
                << w.describe();
        }
    }
}

void expect_commits_are_behind_what_is_done(const world& w) {
    std::map<topic_partition, std::set<std::int64_t>> final_before;
    std::map<topic_partition, std::int64_t> last;
    const auto handled = w.handled();
    auto next = handled.begin();
    for (const commit_seen& each : w.commits()) {
        for (; next != handled.end() && next->ended <= each.at; ++next)
            if (next->is_final()) final_before[next->where].insert(next->offset.value);
        if (!each.accepted) continue;
        ASSERT_GE(each.next.value, last[each.where]) << "rewound at " << to_string(each.where) << '\n'
                                                     << w.describe();
        for (std::int64_t at = last[each.where]; at < each.next.value; ++at)
            ASSERT_TRUE(final_before[each.where].contains(at))
                << to_string(each.where) << '@' << at << " was committed and not done\n"
                << w.describe();
        last[each.where] = each.next.value;
    }
}

TEST_P(rebalance, random_histories_lose_nothing_and_keep_the_order_of_each_key) {
    std::size_t crashes = 0, lost = 0, drained = 0;
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        world w(seed, {.partitions = 6});
        w.start(slow, {.instances = 3, .settings = settings_of(GetParam())});
        chaos history(w, seed);
        history.go_on(25);
        w.run_for(5s);
        for (const char* each : {"shop-1", "shop-2", "shop-3"})
            w.start_again(each);
        w.run_until_consumed(1h);
        std::set<std::pair<topic_partition, std::int64_t>> done;
        for (const handled_record& each : w.handled())
            done.emplace(each.where, each.offset.value);
        ASSERT_EQ(done.size(), static_cast<std::size_t>(12 * history.published())) << w.describe();
        expect_no_two_at_once(w);
        expect_commits_are_behind_what_is_done(w);
        if (HasFatalFailure()) return;
        crashes += w.crashes();
        for (const tenancy_seen& each : w.tenancies())
            ++(each.lost ? lost : drained);
    }
    EXPECT_GT(crashes, 200u);
    EXPECT_GT(lost, 500u);
    EXPECT_GT(drained, 500u);
}

INSTANTIATE_TEST_SUITE_P(kinds, rebalance,
                         ::testing::Values(shape{"range", false}, shape{"range", true},
                                           shape{"cooperative-sticky", false},
                                           shape{"cooperative-sticky", true}),
                         name_of);

} // namespace
} // namespace corvid::testing
