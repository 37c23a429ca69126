// SPDX-License-Identifier: Apache-2.0
// What batch handlers of a service record while sessions die under it.
#include "losses_harness.hpp"

namespace corvid::test {
namespace {

using batch_losses = losses<exactly_once_on_threads>;
using offset_batch_losses = losses<by_offset_on_threads>;

TEST_F(batch_losses, of_all_sessions_again_and_again_lose_nothing_and_are_no_attempts) {
    expect_each_once_by(subscribing(batches_that_record([this](batch_of_booked batch, unit_of_work& unit) {
                                        end_all_sessions(batch);
                                        book_all(batch, unit);
                                    }),
                                    in(*db_), by_key));
    EXPECT_GE(deaths_, 5);
}

TEST_F(offset_batch_losses, of_all_sessions_again_and_again_lose_nothing_and_are_no_attempts) {
    expect_each_once_in_order_of_offset(subscribing(batches_that_ask(
                                                        [this](batch_of_booked batch, unit_of_work& unit) {
                                                            end_all_sessions(batch);
                                                            place_all(batch, unit);
                                                        },
                                                        "placed"),
                                                    in(*db_, by_offset), by_partition));
    EXPECT_GE(deaths_, 5);
}

} // namespace
} // namespace corvid::test
