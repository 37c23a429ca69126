// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/random.hpp>
#include <corvid/lanes/crash_guard.hpp>

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <vector>

namespace corvid {
namespace {

using namespace std::chrono_literals;
using stage = crash_guard::stage;

constexpr steady_time at(duration since_start) { return steady_time(since_start); }

crash_guard started(std::string_view metadata, std::optional<offset> from = offset(10)) {
    crash_guard g({});
    g.found(from, metadata, at(0s));
    if (!from) g.took(offset(0));
    EXPECT_EQ(g.at(), stage::announcing);
    g.committed(*g.position(), g.note(*g.position()), at(0s));
    return g;
}

TEST(life_note, reads_what_it_writes_and_nothing_else) {
    for (const life_note& note :
         {life_note{}, life_note{3}, life_note{4, offset(17)}, life_note{1, offset(0)}})
        EXPECT_EQ(life_note::read(note.text()), note) << note.text();
    EXPECT_EQ((life_note{3, offset(17)}.text()), "corvid1;starts=3;suspect=17");
    for (const char* other :
         {"", "corvid", "corvid1;starts=", "corvid1;starts=x", "corvid1;starts=-1", "corvid2;starts=3",
          "corvid1;starts=3;", "corvid1;starts=3;suspect=", "corvid1;starts=3;suspect=-1",
          "corvid1;starts=3;suspect=1;", "corvid1;starts=3 ", "corvid1;starts=99999999999999999999",
          R"({"offsets":[1,2]})"})
        EXPECT_EQ(life_note::read(other), life_note{}) << other;
}

TEST(crash_guard, nothing_runs_before_its_start_is_noted) {
    crash_guard g({});
    EXPECT_FALSE(g.may_run() || g.wants_one());
    g.found(std::nullopt, "", at(0s));
    EXPECT_TRUE(g.wants_one()) << "without an offset its position is that of the first record";
    g.took(offset(7));
    EXPECT_FALSE(g.may_run());
    EXPECT_EQ(g.note(offset(7)), "corvid1;starts=1");
    g.committed(offset(7), "another commit's", at(0s));
    EXPECT_FALSE(g.may_run());
    g.committed(offset(7), "corvid1;starts=1", at(0s));
    EXPECT_EQ(g.at(), stage::free);
    EXPECT_EQ(g.room(offset(5'000'000), 256), 256U);
}

TEST(crash_guard, counts_starts_until_the_frontier_moves) {
    auto g = started("corvid1;starts=1");
    EXPECT_EQ(g.starts(), 2);
    EXPECT_EQ(g.note(offset(10)), "corvid1;starts=2");
    g.progress(offset(10), offset(10), false, at(1s));
    EXPECT_FALSE(g.has_progress());
    g.progress(offset(10), offset(11), false, at(1s));
    EXPECT_TRUE(g.has_progress());
    EXPECT_EQ(g.note(offset(11)), "corvid1;starts=0");
}

TEST(crash_guard, offsets_that_the_log_does_not_have_are_no_progress) {
    auto g = started("corvid1;starts=1");
    g.progress(offset(15), offset(15), false, at(1s));
    EXPECT_FALSE(g.has_progress());
    EXPECT_EQ(g.note(offset(15)), "corvid1;starts=2");
}

TEST(crash_guard, a_start_after_one_without_progress_begins_few_records_beyond_what_is_committed) {
    auto g = started("corvid1;starts=1");
    EXPECT_EQ(g.at(), stage::windowed);
    EXPECT_EQ(g.room(offset(10), 1'000), 256U);
    EXPECT_EQ(g.room(offset(200), 256), 66U);
    EXPECT_EQ(g.room(offset(266), 256), 0U);
    g.progress(offset(10), offset(50), false, at(1s));
    g.committed(offset(50), g.note(offset(50)), at(1s));
    EXPECT_EQ(g.room(offset(266), 256), 40U);
    g.progress(offset(10), offset(50), false, at(31s));
    EXPECT_EQ(g.at(), stage::free);
}

TEST(crash_guard, names_each_record_before_it_runs_alone) {
    auto g = started("corvid1;starts=2");
    ASSERT_TRUE(g.wants_one());
    EXPECT_FALSE(g.is_alone());
    g.took(offset(12));
    EXPECT_TRUE(g.is_alone());
    EXPECT_FALSE(g.may_run());
    EXPECT_EQ(g.note(offset(10)), "corvid1;starts=3;suspect=12");
    g.committed(offset(10), g.note(offset(10)), at(1s));
    EXPECT_TRUE(g.may_run());
    g.progress(offset(12), offset(13), false, at(1s));
    EXPECT_TRUE(g.wants_one());
    EXPECT_EQ(g.note(offset(13)), "corvid1;starts=3") << "not found yet: the next life goes on being careful";
}

TEST(crash_guard, being_careful_ends) {
    auto done_all = started("corvid1;starts=2"), put_off = done_all;
    for (int i = 10; i < 10 + crash_guard::window; ++i) {
        ASSERT_EQ(done_all.at(), stage::careful) << i;
        done_all.took(offset(i));
        done_all.committed(offset(i), done_all.note(offset(i)), at(1s));
        done_all.progress(offset(10), offset(i + 1), false, at(1s));
    }
    EXPECT_EQ(done_all.at(), stage::windowed);
    put_off.took(offset(10));
    put_off.committed(offset(10), put_off.note(offset(10)), at(1s));
    put_off.progress(offset(10), offset(10), true, at(1s));
    EXPECT_EQ(put_off.at(), stage::windowed) << "its handler came back: it does not kill";
    EXPECT_EQ(put_off.note(offset(10)), "corvid1;starts=0");
}

TEST(crash_guard, condemns_whom_the_last_life_named) {
    auto g = started("corvid1;starts=3;suspect=12");
    EXPECT_EQ(g.note(offset(10)), "corvid1;starts=4;suspect=12");
    g.took(offset(12));
    EXPECT_EQ(g.at(), stage::condemned);
    EXPECT_EQ(g.condemned(), offset(12));
    EXPECT_FALSE(g.is_alone()) << "nothing of it runs";
    auto stopped = g;
    stopped.leave();
    EXPECT_EQ(stopped.note(offset(10)), "corvid1;starts=4;suspect=12") << "it is not elsewhere yet";
    g.progress(offset(12), offset(13), false, at(1s));
    EXPECT_EQ(g.note(offset(13)), "corvid1;starts=0");
    EXPECT_EQ(g.at(), stage::windowed);
}

TEST(crash_guard, a_condemned_record_that_is_gone_condemns_no_other) {
    auto g = started("corvid1;starts=3;suspect=12");
    g.took(offset(14));
    EXPECT_EQ(g.at(), stage::naming);
    EXPECT_EQ(g.note(offset(10)), "corvid1;starts=4;suspect=14");
}

TEST(crash_guard, a_clean_end_says_that_nothing_is_to_be_feared) {
    auto g = started("corvid1;starts=2");
    g.took(offset(10));
    g.committed(offset(10), g.note(offset(10)), at(1s));
    g.leave();
    EXPECT_EQ(g.note(offset(10)), "corvid1;starts=0");
    g.progress(offset(10), offset(11), false, at(1s));
    EXPECT_EQ(g.note(offset(11)), "corvid1;starts=0");
}

TEST(crash_guard, can_be_off) {
    crash_guard g({.suspect_after = 0});
    EXPECT_TRUE(g.may_run() && g.has_progress());
    EXPECT_EQ(g.note(offset(3)), "");
    EXPECT_FALSE(crash_settings{.suspect_after = 1}.validate());
    EXPECT_TRUE(crash_settings{.suspect_after = 0}.validate());
}

// --- lives ------------------------------------------------------------------------------------------------

/// A partition of a broker, and processes that read it one after the other. Each dies where it begins a
/// killer, or by chance if `accidents`.
class lives {
public:
    lives(std::uint64_t seed, bool accidents) : random_(seed), accidents_(accidents) {
        const auto any = [&](std::uint64_t below) { return static_cast<std::int64_t>(random_.below(below)); };
        for (std::int64_t i = 0, o = any(3); i < 40 + any(600); ++i, o += 1 + (any(10) == 0 ? any(400) : 0))
            log.push_back(o);
        for (std::int64_t i = any(4); i > 0; --i)
            killers.insert(log[static_cast<std::size_t>(any(log.size()))]);
        batch_ = 1 + static_cast<std::size_t>(any(300));
        commit_every_ = 1 + any(400);
    }

    /// Lives until all is read; answers how many there were, or -1 if that never ends.
    int run() {
        for (int n = 1; n <= 400; ++n)
            if (live()) return n;
        return -1;
    }

    std::set<std::int64_t> killers, parked, done;
    std::vector<std::int64_t> log;
    std::int64_t deaths = 0;

private:
    // One life; true when it has read all there is.
    bool live() {
        crash_guard g({});
        g.found(has_offset_ ? std::optional(offset(offset_)) : std::nullopt, metadata_, now_);
        std::int64_t frontier = has_offset_ ? offset_ : -1, first = -1, begun = 0;
        for (std::int64_t since_commit = 0;;) {
            now_ += 1ms;
            if (first >= 0) g.progress(offset(first), offset(frontier), false, now_);
            if (g.hurries() || ++since_commit >= commit_every_) {
                since_commit = 0;
                const auto next = first >= 0 ? std::optional(offset(frontier)) : g.position();
                if (next) commit(g, *next);
            }
            if (accidents_ && random_.below(300) == 0) return die();
            const auto from = std::lower_bound(log.begin(), log.end(), std::max(frontier, begun));
            if (from == log.end()) return finish(g, frontier);
            if (g.wants_one()) {
                g.took(offset(*from));
                continue;
            }
            if (g.at() == stage::condemned) {
                parked.insert(*from);
                frontier = *from + 1;
                first = first < 0 ? *from : first;
                continue;
            }
            std::size_t count =
                g.at() == stage::alone ? 1 : g.room(offset(std::max(frontier, begun)), batch_);
            for (auto each = from; count > 0 && each != log.end(); ++each, --count) {
                if (first < 0) first = frontier = *each;
                if (killers.contains(*each)) return die();
                done.insert(*each);
                frontier = begun = *each + 1;
            }
        }
    }
    void commit(crash_guard& g, offset next) {
        const std::string note = g.note(next);
        EXPECT_GE(next.value, offset_);
        offset_ = next.value;
        has_offset_ = true;
        metadata_ = note;
        if (random_.below(50) == 0) return; // its answer is lost
        g.committed(next, note, now_);
    }
    bool die() {
        ++deaths;
        return false;
    }
    bool finish(crash_guard& g, std::int64_t frontier) {
        g.leave();
        commit(g, offset(frontier));
        return true;
    }

    prng random_;
    bool accidents_;
    std::size_t batch_ = 1;
    std::int64_t commit_every_ = 1;
    bool has_offset_ = false;
    std::int64_t offset_ = 0;
    std::string metadata_;
    steady_time now_{};
};

TEST(crash_guard, every_killer_is_found_in_few_lives_and_nothing_else_is_lost) {
    for (std::uint64_t seed = 1; seed <= 2'000; ++seed) {
        lives l(seed, false);
        const int count = l.run();
        ASSERT_GT(count, 0) << "seed " << seed << ": it never ends";
        EXPECT_EQ(l.parked, l.killers) << "seed " << seed;
        EXPECT_EQ(l.done.size() + l.parked.size(), l.log.size()) << "seed " << seed;
        EXPECT_LE(l.deaths, static_cast<std::int64_t>(l.killers.size()) * 6) << "seed " << seed;
    }
}

TEST(crash_guard, whatever_else_kills_processes_no_record_is_lost_and_every_killer_found) {
    for (std::uint64_t seed = 1; seed <= 1'000; ++seed) {
        lives l(seed, true);
        ASSERT_GT(l.run(), 0) << "seed " << seed << ": it never ends";
        for (const auto each : l.killers)
            EXPECT_TRUE(l.parked.contains(each)) << "seed " << seed;
        std::set<std::int64_t> all = l.done;
        all.insert(l.parked.begin(), l.parked.end());
        EXPECT_EQ(all.size(), l.log.size()) << "seed " << seed;
    }
}

} // namespace
} // namespace corvid
