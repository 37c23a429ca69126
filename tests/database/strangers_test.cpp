// SPDX-License-Identifier: Apache-2.0
// Marks that another process has made: what a writer hopes to be new, and is not.
#include "inbox_harness.hpp"

#include <random>
#include <set>

namespace corvid::test {
namespace {

using namespace std::chrono_literals;

/// Knows nothing of what others have marked.
struct stranger {
    explicit stranger(database& db, const writer_settings& settings = {.linger = 1ms})
        : writer(db, "billing", told.sink(), settings) {}

    /// How many were processed, once so many are settled in all; each must be settled well.
    std::size_t processed(std::size_t once_settled) {
        std::size_t count = 0;
        const auto all = told.wait(once_settled);
        for (const settled& each : all) {
            EXPECT_TRUE(each.outcome) << (each.outcome ? "" : each.outcome.error().describe());
            count += each.outcome && *each.outcome == processing::processed;
        }
        return count;
    }
    settled_events told;
    effect_writer writer;
};

class strangers : public inbox_test {
protected:
    static void add(stranger& to, int first, int end, int step) {
        std::vector<effect> some;
        for (int i = first; i < end; i += step)
            some.push_back(recorded(std::to_string(i), 1, static_cast<std::uint64_t>(i)));
        to.writer.add(std::move(some));
    }
};

TEST_F(strangers, find_what_others_have_marked_among_their_own) {
    stranger first(*db_), second(*db_);
    add(first, 0, 1'000, 2);
    EXPECT_EQ(first.processed(500), 500U);
    add(second, 0, 1'000, 1);
    EXPECT_EQ(second.processed(1'000), 500U);
    add(first, 1'000, 2'000, 1);
    add(first, 500, 1'000, 1);
    EXPECT_EQ(first.processed(2'000), 1'500U);
    EXPECT_EQ(effects().size(), 2'000U);
    EXPECT_EQ(marks(), effects());
}

TEST_F(strangers, that_write_the_same_events_at_once_give_each_its_effect_once) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 draw(seed);
    std::vector<std::unique_ptr<stranger>> all;
    for (int i = 0; i < 3; ++i)
        all.push_back(std::make_unique<stranger>(*db_, writer_settings{.max_records = 40, .linger = 1ms}));
    std::vector<std::size_t> given(all.size(), 0);
    std::set<std::string> ids;
    for (int round = 0; round < 150; ++round) {
        const std::size_t who = draw() % all.size();
        std::vector<effect> some;
        for (std::size_t n = 1 + draw() % 30; n > 0; --n) { // what is new, and what is a while ago
            const std::string id = std::to_string(round * 20 + static_cast<int>(draw() % 60));
            some.push_back(recorded(id, 1, draw() % 50));
            ids.insert(id);
        }
        given[who] += some.size();
        all[who]->writer.add(std::move(some));
    }
    std::size_t processed = 0;
    for (std::size_t i = 0; i < all.size(); ++i)
        processed += all[i]->processed(given[i]);
    EXPECT_EQ(processed, ids.size());
    EXPECT_EQ(effects(), texts(ids.begin(), ids.end()));
    EXPECT_EQ(marks(), effects());
}

TEST_F(strangers, find_a_mark_in_the_part_that_was_written_before) {
    if (!postgres()) return;
    stranger first(*db_), second(*db_);
    add(first, 0, 10, 1);
    EXPECT_EQ(first.processed(10), 10U);
    run("update processed_events_turn set turn = 2");
    add(second, 100, 101, 1); // it hears of the turn
    EXPECT_EQ(second.processed(1), 1U);
    add(second, 0, 20, 1);
    EXPECT_EQ(second.processed(21), 11U);
    EXPECT_EQ(effects().size(), 21U);
}

} // namespace
} // namespace corvid::test
