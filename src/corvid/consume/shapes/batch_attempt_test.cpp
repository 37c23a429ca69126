// SPDX-License-Identifier: Apache-2.0
//
// Random histories of batches in virtual time: records that fail, are rejected or throw, halves and wholes,
// rebalances and restarts in the middle.
#include <corvid/base/random.hpp>
#include <corvid/consume/detail/group_world_test.hpp>
#include <corvid/consume/shapes/batch_handler.hpp>

namespace corvid::consume_test {
namespace {

using batch_span = std::span<const received<keyed>>;
using place = std::pair<std::int32_t, std::int64_t>;

class batch_histories : public testing::TestWithParam<int> {
public:
    batch_histories() : seed(static_cast<std::uint64_t>(GetParam())), random(seed), w(seed, 3) {
        if (seed % 5 > 1) w.workers = std::make_unique<worker_pool>(w.sim, seed % 5);
    }

    static place place_of(const received<keyed>& e) { return {e.partition().value, e.offset().value}; }
    static bool is_poison(const keyed& e) { return (e.n * 7 + static_cast<int>(e.key.back())) % 29 == 0; }

    /// The records of a key are one behind the other, in order, and in no other batch meanwhile.
    void look_at(batch_span batch) {
        most = std::max(most, batch.size());
        std::set<std::string> left;
        for (std::size_t i = 0; i < batch.size(); ++i) {
            const std::string lane = lane_of(batch[i]);
            if (i > 0 && lane_of(batch[i - 1]) == lane) {
                EXPECT_LT(batch[i - 1].offset().value, batch[i].offset().value) << lane;
                continue;
            }
            EXPECT_TRUE(left.insert(lane).second) << lane << " stands in two places";
            EXPECT_TRUE(running.insert(lane).second) << lane << " is in two batches at once";
        }
        for (const auto& each : batch)
            EXPECT_TRUE(each.offset().value == 0 || may_begin(each, batch))
                << lane_of(each) << " overtook " << overtaken.second << " at " << each.offset().value;
    }
    void leave(batch_span batch) {
        for (const auto& each : batch)
            running.erase(lane_of(each));
    }
    /// All before it of its lane is over, or stands before it in the batch.
    bool may_begin(const received<keyed>& e, batch_span batch) {
        auto& seen = log[lane_of(e)];
        const place here = place_of(e);
        const auto is_fine = [&](const place& at) {
            return at >= here || over.contains(at) ||
                   std::ranges::any_of(batch, [&](const auto& other) { return place_of(other) == at; });
        };
        const auto found = std::ranges::find_if_not(seen, is_fine);
        const bool fine = found == seen.end();
        if (!fine) overtaken = *found;
        seen.insert(here);
        return fine;
    }
    std::string lane_of(const received<keyed>& e) const {
        return how == by_partition ? "p" + std::to_string(e.partition().value) : e->key;
    }

    outcome judge(const received<keyed>& e) {
        if (is_poison(*e)) {
            dead.insert(place_of(e));
            over.insert(place_of(e));
            return dead_letter("poison");
        }
        if (random.below(25) == 0) return retry("flaky");
        over.insert(place_of(e));
        return done;
    }
    batch_outcomes work(batch_span batch) {
        if (random.below(10) == 0) throw std::runtime_error("the whole batch");
        batch_outcomes said(batch);
        for (std::size_t i = 0; i < batch.size(); ++i)
            said[i] = judge(batch[i]);
        return said;
    }
    auto plain() {
        return [this](batch_span batch) -> batch_outcomes {
            look_at(batch);
            leave(batch);
            return work(batch);
        };
    }
    auto waiting() {
        return [this](batch_span batch, batch_context& ctx) -> task<batch_outcomes> {
            look_at(batch);
            co_await ctx.sleep(std::chrono::milliseconds(random.below(40)));
            leave(batch);
            co_return work(batch);
        };
    }
    template <class F>
    std::unique_ptr<group_loop> join(F function) {
        subscription with{.order = how,
                          .concurrency = 1 + random.below(4),
                          .failure = {.retry = {.first = 10ms, .limit = 1'000'000, .cap = 100ms},
                                      .rejected = when_rejected::dead_letters},
                          .intake = {.runnable_records = 64 + random.below(500)},
                          .batch = batch_limits{.max = 1 + random.below(64),
                                                .within = std::chrono::milliseconds(random.below(50))}};
        const auto then = random.below(2) == 0 ? when_batch_fails::again : when_batch_fails::halve;
        with.handle = std::make_unique<batch_handler<keyed, F>>(
            std::move(function), batch_attempt::settings{.then = then, .attempts = 3});
        return w.join_with(std::move(with),
                           {.rebalance_drain = std::chrono::milliseconds(random.below(300))});
    }
    std::unique_ptr<group_loop> join() { return seed % 2 == 0 ? join(plain()) : join(waiting()); }

    void expect_committed_is_over() {
        for (std::int32_t p = 0; p < 3; ++p)
            for (std::int64_t at = 0, all = w.committed(p); at < all; ++at)
                EXPECT_TRUE(over.contains({p, at})) << "partition " << p << ", offset " << at;
    }

    std::uint64_t seed;
    prng random;
    group_world w;
    order how = seed % 3 == 0 ? by_partition : by_key;
    std::size_t most = 0;
    std::set<std::string> running;
    std::map<std::string, std::set<place>> log;
    std::set<place> over, dead;
    place overtaken;
};

TEST_P(batch_histories, lose_nothing_keep_the_order_of_each_key_and_commit_only_what_is_over) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    w.publish(11, 60);
    auto loop = join();
    for (int i = 0; i < 40; ++i) {
        if (random.below(6) == 0) w.cluster.script().rebalance("group");
        if (random.below(8) == 0) {
            w.end(*loop, 1s, 1s);
            loop = join();
        }
        w.sim.run_for(std::chrono::milliseconds(random.below(100)));
        expect_committed_is_over();
    }
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 1h));
    expect_committed_is_over();
    EXPECT_EQ(w.end(*loop), loop_end::clean);
    EXPECT_EQ(over.size(), static_cast<std::size_t>(w.count));
    std::set<place> letters;
    for (const auto& each : w.dead_letters())
        letters.insert({std::stoi(std::string(*each.its_headers.find(wire::dlq_partition))),
                        std::stoll(std::string(*each.its_headers.find(wire::dlq_offset)))});
    EXPECT_EQ(letters, dead);
}

INSTANTIATE_TEST_SUITE_P(seeds, batch_histories, testing::Range(1, 61));

} // namespace
} // namespace corvid::consume_test
