// SPDX-License-Identifier: Apache-2.0
//
// What the demo counts as a flight out of order: shown on flights that are.
#include "../../examples/flights/rotations.hpp"

#include <gtest/gtest.h>

namespace flights {
namespace {

TEST(fleet_test, counts_each_flight_that_comes_behind_a_later_one_of_its_aircraft) {
    fleet planes(10);
    for (const int row : {1, 5, 3, 4, 2})
        planes.follow("N14228", row);
    EXPECT_EQ(planes.order_violations(), 2) << "3 behind 5, and 2 behind 4";
    EXPECT_EQ(planes.followed(), 5);
}

TEST(fleet_test, takes_another_aircraft_and_a_flight_that_comes_again_for_no_disorder) {
    fleet planes(10);
    planes.follow("N14228", 5);
    planes.follow("N24211", 2);
    planes.follow("N14228", 7);
    planes.follow("N14228", 5);
    EXPECT_EQ(planes.order_violations(), 0);
    EXPECT_EQ(planes.followed(), 3);
    EXPECT_EQ(planes.aircraft(), 2);
}

} // namespace
} // namespace flights
