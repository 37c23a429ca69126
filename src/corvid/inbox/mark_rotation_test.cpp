// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/random.hpp>
#include <corvid/inbox/mark_rotation.hpp>

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <vector>

namespace corvid::inbox_detail {
namespace {

using namespace std::chrono_literals;

TEST(mark_parts, are_written_one_after_the_other_with_both_written_between) {
    const auto written = [](std::int64_t turn) {
        const mark_parts parts(turn);
        return std::vector<int>(parts.written().begin(), parts.written().end());
    };
    using list = std::vector<int>;
    EXPECT_EQ(written(0), (list{0}));
    EXPECT_EQ(written(1), (list{0, 1}));
    EXPECT_EQ(written(2), (list{1}));
    EXPECT_EQ(written(3), (list{1, 2}));
    EXPECT_EQ(written(5), (list{2, 0}));
    EXPECT_EQ(mark_parts(2).probed(), 0);
    EXPECT_EQ(mark_parts(3).probed(), std::nullopt);
    EXPECT_EQ(mark_parts(4).probed(), 1);
    for (std::int64_t turn = 0; turn < 100; turn += 2)
        EXPECT_EQ(3, mark_parts(turn).written()[0] + *mark_parts(turn).probed() + mark_parts(turn).spare())
            << "each part has one purpose";
}

TEST(rotation, goes_through_its_steps_and_rests_until_marks_are_old) {
    using enum rotation_step;
    EXPECT_EQ(next_step({.turn = 0, .age = 1h, .retention = 2h}), rest);
    EXPECT_EQ(next_step({.turn = 0, .age = 2h, .retention = 2h}), begin_turn);
    EXPECT_EQ(next_step({.turn = 0, .age = 2h, .retention = 2h, .spare_empty = false}), empty_spare);
    EXPECT_EQ(next_step({.turn = 1, .age = 2h, .retention = 2h}), set_barrier);
    EXPECT_EQ(next_step({.turn = 1, .barrier_set = true}), wait);
    EXPECT_EQ(next_step({.turn = 1, .barrier_set = true, .barrier_passed = true}), end_turn);
}

// ---- A database in miniature: transactions take a number when they first write, each statement sees what
// was committed when it began, and a unique index makes a writer wait for another one's end.

constexpr int retention = 20;

struct mark {
    int transaction;
    int made_at;
};

struct model {
    enum class barrier_is { own_number, highest_ended };

    explicit model(std::uint64_t seed, barrier_is kind) : random(seed), barrier_kind(kind) {}

    prng random;
    barrier_is barrier_kind;
    int now = 0;
    int next_number = 1, highest_ended = 0;
    std::map<int, bool> ended; // by number: committed?
    std::int64_t turn = 0;
    std::optional<int> barrier;
    int changed_at = 0;
    std::array<std::multimap<int, mark>, 3> parts; // event -> mark
    std::map<int, std::vector<int>> effects;       // event -> when they were committed

    [[nodiscard]] bool committed(int number) const { return ended.contains(number) && ended.at(number); }
    void end(int number, bool commits) {
        ended[number] = commits;
        highest_ended = std::max(highest_ended, number);
    }
    [[nodiscard]] int lowest_running() const {
        for (int n = 1; n < next_number; ++n)
            if (!ended.contains(n)) return n;
        return next_number;
    }
};

// One that marks an event: insert into each part, read the turn, commit.
struct marker {
    int event;
    std::int64_t believed;
    int number = 0;
    std::size_t done = 0; // parts
    bool fresh = true, verified = false, over = false;

    // One statement; false where it waits for another transaction.
    bool step(model& db) {
        const mark_parts parts(believed);
        if (done < parts.written().size()) return insert(db, parts, parts.written()[done]);
        if (!verified) {
            verified = true;
            if (db.turn != believed) { // begins again
                db.end(number, false);
                *this = marker{.event = event, .believed = db.turn};
            }
            return true;
        }
        finish(db);
        return true;
    }
    bool insert(model& db, mark_parts parts, int part) {
        if (const auto probed = parts.probed()) {
            const auto [from, to] = db.parts[static_cast<std::size_t>(*probed)].equal_range(event);
            for (auto old = from; old != to; ++old)
                if (db.committed(old->second.transaction)) fresh = false;
        }
        auto& rows = db.parts[static_cast<std::size_t>(part)];
        const auto [from, to] = rows.equal_range(event);
        for (auto old = from; old != to; ++old) {
            if (old->second.transaction == number) continue;
            if (!db.ended.contains(old->second.transaction)) return false;
            if (db.committed(old->second.transaction)) fresh = false;
        }
        if (number == 0) number = db.next_number++;
        if (fresh) rows.insert({event, {number, db.now}});
        ++done;
        return true;
    }
    void finish(model& db) {
        const bool commits = db.random.chance(0.9);
        db.end(number, commits);
        if (commits && fresh) db.effects[event].push_back(db.now);
        over = true;
    }
};

// What inbox_sweep does, one statement a step.
void sweep_step(model& db) {
    const std::size_t spare = static_cast<std::size_t>(mark_parts(db.turn).spare());
    const rotation_state state{.turn = db.turn,
                               .age = std::chrono::seconds(db.now - db.changed_at),
                               .retention = std::chrono::seconds(retention),
                               .spare_empty = db.parts[spare].empty(),
                               .barrier_set = db.barrier.has_value(),
                               .barrier_passed = db.barrier && db.lowest_running() >= *db.barrier};
    switch (next_step(state)) {
    case rotation_step::empty_spare:
        db.parts[spare].clear();
        break;
    case rotation_step::begin_turn:
        ++db.turn;
        db.barrier.reset();
        break;
    case rotation_step::set_barrier:
        db.barrier =
            db.barrier_kind == model::barrier_is::own_number ? db.next_number++ : db.highest_ended + 1;
        if (db.barrier_kind == model::barrier_is::own_number) db.end(*db.barrier, true);
        break;
    case rotation_step::end_turn:
        ++db.turn;
        db.barrier.reset();
        db.changed_at = db.now;
        break;
    default:
        break;
    }
}

// Often one that is being marked just now.
int some_event(prng& random, const std::vector<marker>& running) {
    if (!running.empty() && random.chance(0.4)) return running[random.below(running.size())].event;
    return static_cast<int>(random.below(500));
}

// How many effects an event had again within the retention.
int repeated_effects(std::uint64_t seed, model::barrier_is kind) {
    model db(seed, kind);
    std::vector<marker> running;
    std::int64_t known_turn = 0; // of a process that looks now and then
    for (int step = 0; step < 6'000; ++step) {
        if (db.random.chance(0.05)) ++db.now;
        if (db.random.chance(0.02)) known_turn = db.turn;
        if (db.random.chance(0.05))
            for (auto n = db.random.below(4); n > 0; --n)
                sweep_step(db);
        if (running.size() < 1 + seed % 6 && db.random.chance(0.3))
            running.push_back({.event = some_event(db.random, running),
                               .believed = db.random.chance(0.5) ? known_turn : db.turn});
        if (running.empty()) continue;
        // a few transactions are slow: they are seldom chosen
        const std::size_t chosen =
            db.random.chance(0.9) ? running.size() - 1 : db.random.below(running.size());
        running[chosen].step(db);
        std::erase_if(running, [](const marker& m) { return m.over; });
    }
    int repeated = 0;
    for (const auto& [event, times] : db.effects)
        for (std::size_t i = 1; i < times.size(); ++i)
            repeated += times[i] - times[i - 1] < retention ? 1 : 0;
    return repeated;
}

class rotation_history : public testing::TestWithParam<std::uint64_t> {};

TEST_P(rotation_history, gives_no_event_two_effects_within_the_retention) {
    EXPECT_EQ(repeated_effects(GetParam(), model::barrier_is::own_number), 0) << "seed " << GetParam();
}

INSTANTIATE_TEST_SUITE_P(seeds, rotation_history, testing::Range<std::uint64_t>(0, 200));

// A transaction that runs may have a number above all that have ended: that bound would be too low.
TEST(rotation, a_barrier_at_the_highest_ended_transaction_would_be_found_out) {
    int repeated = 0;
    for (std::uint64_t seed = 0; seed < 400; ++seed)
        repeated += repeated_effects(seed, model::barrier_is::highest_ended);
    EXPECT_GT(repeated, 0);
}

} // namespace
} // namespace corvid::inbox_detail
