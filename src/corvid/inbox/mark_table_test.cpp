// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/simulation.hpp>
#include <corvid/inbox/mark_table.hpp>
#include <corvid/store/sqlstate.hpp>

#include <gtest/gtest.h>

#include <string>

namespace corvid::inbox_detail {
namespace {

using texts = std::vector<std::string>;

class mark_table_test : public testing::Test {
protected:
    marking mark(const texts& ids, bool carefully = false) {
        events_.clear();
        for (const std::string& id : ids)
            events_.push_back({.id = id, .group = "billing"});
        mark_list marks;
        for (const event_mark& each : events_)
            marks.push_back(&each);
        return table_.mark(marks, carefully);
    }
    static texts hoped(const marking& of) {
        texts ids;
        for (const event_mark* each : of.hoped)
            ids.push_back(each->id);
        return ids;
    }
    static bool looks(const store::statement& one) {
        return one.sql.find("on conflict") != std::string::npos;
    }
    static store::answer written(std::int64_t rows) { return {.affected = rows}; }
    static store::answer turn(std::int64_t now) { return {.columns = {"turn"}, .cells = {{now}}}; }
    static store::answer told_new(const texts& ids) {
        store::answer made{.columns = {"event_id"}};
        for (const std::string& id : ids)
            made.cells.push_back({id});
        return made;
    }

    simulation sim_{1};
    mark_table table_{store::postgres_dialect, sim_};
    std::vector<event_mark> events_;
};

TEST_F(mark_table_test, ids_that_seem_new_are_inserted_without_looking_in_their_order) {
    const auto asked = mark({"c", "a", "b"});
    EXPECT_EQ(hoped(asked), (texts{"a", "b", "c"}));
    ASSERT_EQ(asked.statements.size(), 2U);
    EXPECT_FALSE(looks(asked.statements[0]));
    EXPECT_EQ(table_.fresh(asked, std::vector{written(3), turn(0)}), (fresh_ids{"a", "b", "c"}));
}

TEST_F(mark_table_test, ids_that_were_marked_lately_are_looked_for_beside_them) {
    (void)mark({"a", "b"});
    const auto asked = mark({"a", "b", "c"});
    EXPECT_EQ(hoped(asked), texts{"c"});
    ASSERT_EQ(asked.statements.size(), 3U);
    EXPECT_FALSE(looks(asked.statements[0]));
    EXPECT_TRUE(looks(asked.statements[1]));
    EXPECT_EQ(table_.fresh(asked, std::vector{written(1), told_new({"b"}), turn(0)}), (fresh_ids{"b", "c"}));
}

TEST_F(mark_table_test, a_key_that_is_taken_is_a_hope_refuted_and_care_follows) {
    const auto asked = mark({"a"});
    EXPECT_FALSE(table_.was_refuted(asked, store::database_error("57014", "m", "o")));
    EXPECT_TRUE(table_.was_refuted(asked, store::database_error("23505", "m", "o")));
    for (const char* id : {"a", "new", "newer"}) {
        const auto later = mark({id});
        EXPECT_EQ(hoped(later), texts{}) << id;
        EXPECT_TRUE(looks(later.statements.at(0)));
        EXPECT_FALSE(table_.was_refuted(later, store::database_error("23505", "m", "o")))
            << "not of the marks";
    }
}

TEST_F(mark_table_test, a_mark_in_the_part_before_is_a_hope_refuted) {
    const auto asked = mark({"a", "b"});
    EXPECT_EQ(table_.fresh(asked, std::vector{written(1), turn(0)}), std::nullopt);
    EXPECT_EQ(hoped(mark({"c"})), texts{});
}

TEST_F(mark_table_test, of_another_turn_nothing_counts_and_while_two_parts_are_written_it_is_careful) {
    const auto asked = mark({"a"});
    EXPECT_EQ(table_.fresh(asked, std::vector{written(1), turn(1)}), std::nullopt);
    const auto doubled = mark({"b"});
    EXPECT_EQ(doubled.turn, 1);
    EXPECT_EQ(hoped(doubled), texts{});
    ASSERT_EQ(doubled.statements.size(), 3U);
    EXPECT_EQ(table_.fresh(doubled, std::vector{told_new({"b"}), told_new({}), turn(1)}), fresh_ids{});
    EXPECT_EQ(table_.fresh(doubled, std::vector{told_new({"b"}), told_new({"b"}), turn(1)}), fresh_ids{"b"});
}

TEST_F(mark_table_test, carefully_it_hopes_for_none) {
    EXPECT_EQ(hoped(mark({"a"}, true)), texts{});
    EXPECT_EQ(hoped(mark({"b"})), texts{"b"});
}

} // namespace
} // namespace corvid::inbox_detail
