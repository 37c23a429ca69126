// SPDX-License-Identifier: Apache-2.0
// What handlers of a service record while sessions die under it.
#include "losses_harness.hpp"

namespace corvid::test {
namespace {

using exactly_once_losses = losses<exactly_once_on_threads>;
using by_offset_losses = losses<by_offset_on_threads>;

TEST_F(exactly_once_losses, of_all_sessions_again_and_again_lose_nothing_and_are_no_attempts) {
    expect_each_once([this](const booked& b, context& ctx, unit_of_work& unit) {
        end_all_sessions(b);
        books()(b, ctx, unit);
    });
    EXPECT_GE(deaths_, 5);
}

TEST_F(exactly_once_losses, under_units_that_ask_lose_nothing_and_are_no_attempts) {
    expect_each_once([this](const booked& b, context& ctx, unit_of_work& unit) {
        end_all_sessions(b);
        return asks_and_books()(b, ctx, unit);
    });
    EXPECT_GE(deaths_, 5);
}

TEST_F(by_offset_losses, of_all_sessions_again_and_again_lose_nothing_and_are_no_attempts) {
    expect_each_once_in_order_of_offset([this](const booked& b, context& ctx, unit_of_work& unit) {
        end_all_sessions(b);
        places()(b, ctx, unit);
    });
    EXPECT_GE(deaths_, 5);
}

TEST_F(by_offset_losses, under_units_that_ask_lose_nothing_and_are_no_attempts) {
    expect_each_once_in_order_of_offset([this](const booked& b, context& ctx, unit_of_work& unit) {
        end_all_sessions(b);
        return asks_and_places()(b, ctx, unit);
    });
    EXPECT_GE(deaths_, 5);
}

} // namespace
} // namespace corvid::test
