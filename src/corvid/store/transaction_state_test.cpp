// SPDX-License-Identifier: Apache-2.0
#include <corvid/store/sqlstate.hpp>
#include <corvid/store/transaction_state.hpp>

#include <gtest/gtest.h>

namespace corvid::store {
namespace {

using phase = transaction_state::phase;

const flight_answer fine{};
flight_answer refused(std::string_view sqlstate, bool lost = false) {
    return {.failed = database_error(sqlstate, "m", "o"), .lost = lost};
}
flight_answer silent(bool all_sent) {
    return {.failed = error(errc::database_unreachable), .lost = true, .unsure = all_sent};
}

transaction_state committing() {
    transaction_state state;
    EXPECT_TRUE(state.sending(true, true));
    return state;
}

TEST(transaction_state, goes_from_begin_to_commit_in_one_flight_or_many) {
    transaction_state one = committing();
    EXPECT_TRUE(one.answered(fine));
    EXPECT_EQ(one.where(), phase::committed);
    transaction_state many;
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(many.sending(i == 0, i == 2));
        EXPECT_TRUE(many.answered(fine));
    }
    EXPECT_EQ(many.where(), phase::committed);
}

TEST(transaction_state, a_commit_without_a_word_is_unknown_and_stays_so) {
    transaction_state state = committing();
    const auto outcome = state.answered(silent(true));
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code(), errc::commit_unknown);
    EXPECT_EQ(outcome.error().kind(), error_kind::retriable);
    state.rolled_back();
    EXPECT_EQ(state.where(), phase::unknown);
    EXPECT_TRUE(state.over());
}

TEST(transaction_state, what_is_known_is_not_called_unknown) {
    for (const auto& [answer, code] :
         {std::pair{refused("57P01", true), errc::database_unreachable}, // the server said so
          std::pair{silent(false), errc::database_unreachable},          // COMMIT never left
          std::pair{refused("23505"), errc::statement_rejected}}) {      // a deferred constraint
        transaction_state state = committing();
        const auto outcome = state.answered(answer);
        ASSERT_FALSE(outcome);
        EXPECT_EQ(outcome.error().code(), code);
        EXPECT_NE(state.where(), phase::unknown);
    }
}

TEST(transaction_state, a_server_that_does_not_know_itself_is_believed) {
    transaction_state state = committing();
    EXPECT_EQ(state.answered(refused("40003")).error().code(), errc::commit_unknown);
}

TEST(transaction_state, only_rollback_leads_on_from_failure_and_nothing_from_the_end) {
    transaction_state state;
    EXPECT_FALSE(state.sending(false, false));
    EXPECT_TRUE(state.sending(true, false));
    EXPECT_TRUE(state.answered(fine));
    EXPECT_FALSE(state.sending(true, false)) << "begun twice";
    EXPECT_TRUE(state.sending(false, false));
    EXPECT_FALSE(state.answered(refused("23505")));
    EXPECT_EQ(state.where(), phase::failed);
    EXPECT_EQ(state.sending(false, true).error().code(), errc::transaction_over);
    state.rolled_back();
    EXPECT_EQ(state.where(), phase::rolled_back);
    EXPECT_FALSE(state.sending(false, false));
    EXPECT_FALSE(state.sending(true, false));
}

} // namespace
} // namespace corvid::store
