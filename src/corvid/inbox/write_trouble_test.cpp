// SPDX-License-Identifier: Apache-2.0
#include <corvid/inbox/write_effects.hpp>
#include <corvid/inbox/write_trouble.hpp>
#include <corvid/store/sqlstate.hpp>

#include <gtest/gtest.h>

#include <vector>

namespace corvid {
namespace {

using namespace std::chrono_literals;
using inbox_detail::blame;
using inbox_detail::blame_for;

error of_state(const char* state) { return store::database_error(state, "m", "o"); }

TEST(blame, of_a_failure_is_the_records_only_where_its_statements_can_have_done_it) {
    for (const char* its_own :
         {"23505", "22003", "40001", "40P01", "55P03", "57014", "25P03", "42P01", "54000"})
        EXPECT_EQ(blame_for(of_state(its_own)), blame::record) << its_own;
    for (const char* of_all : {"53100", "53200", "58030", "25006", "28P01", "3D000"})
        EXPECT_EQ(blame_for(of_state(of_all)), blame::database) << of_all;
    for (const char* of_anybody : {"XX000", "57P01", "08006"})
        EXPECT_EQ(blame_for(of_state(of_anybody)), blame::anybody) << of_anybody;
    EXPECT_EQ(blame_for(error(errc::commit_unknown)), blame::anybody);
    EXPECT_EQ(blame_for(error(errc::pool_exhausted)), blame::database);
    EXPECT_EQ(blame_for(error(errc::database_busy, {.message = "COMMIT was lost"})), blame::database);
    EXPECT_EQ(blame_for(error(errc::handler_threw)), blame::record);
}

class trouble : public testing::Test {
protected:
    trouble() {
        settings_.output = [this](std::string_view line) { lines_.emplace_back(line); };
    }
    std::vector<std::string> lines_;
    log_settings settings_;
};

TEST_F(trouble, is_told_once_it_has_lasted_and_when_it_is_over) {
    write_trouble of(logger(settings_), "billing", "main");
    const steady_time start{1h};
    of.told(of_state("53100"), start);
    of.told(of_state("53100"), start + 900ms);
    EXPECT_EQ(of.text(), "");
    of.told(of_state("28P01"), start + 1s);
    EXPECT_NE(of.text().find("database.url"), std::string::npos) << of.text();
    of.told(of_state("53100"), start + 2s);
    EXPECT_NE(of.text().find("free space"), std::string::npos) << of.text();
    EXPECT_EQ(lines_.size(), 1U);
    of.told(of_state("23505"), start + 3s); // of one record: says nothing of the others
    EXPECT_NE(of.text(), "");
    of.told(std::nullopt, start + 4s);
    EXPECT_EQ(of.text(), "");
    EXPECT_EQ(lines_.size(), 2U);
}

TEST_F(trouble, that_passes_is_told_to_nobody) {
    write_trouble of(logger(settings_), "billing", "main");
    for (int i = 0; i < 10; ++i) {
        of.told(of_state("57P01"), steady_time(i * 1h));
        of.told(std::nullopt, steady_time(i * 1h + 1ms));
    }
    EXPECT_EQ(lines_.size(), 0U);
}

} // namespace
} // namespace corvid
