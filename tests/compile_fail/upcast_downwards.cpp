// SPDX-License-Identifier: Apache-2.0
// expect: corvid: CORVID_UPCAST goes from a lower .version to a higher one
#include <corvid/message/message.hpp>

struct flight_v1 {
    int row = 0;
};
CORVID_MESSAGE(flight_v1, (row), .topic = "air.flight.departed");
struct flight {
    int row = 0;
};
CORVID_MESSAGE(flight, (row), .topic = "air.flight.departed", .version = 2);
CORVID_UPCAST(flight, flight_v1, [](flight&& old) { return flight_v1{old.row}; });
