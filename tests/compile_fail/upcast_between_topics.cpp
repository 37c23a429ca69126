// SPDX-License-Identifier: Apache-2.0
// expect: corvid: CORVID_UPCAST takes two versions of one topic
#include <corvid/message/message.hpp>

struct flight_v1 {
    int row = 0;
};
CORVID_MESSAGE(flight_v1, (row), .topic = "air.flight.arrived");
struct flight {
    int row = 0;
};
CORVID_MESSAGE(flight, (row), .topic = "air.flight.departed", .version = 2);
CORVID_UPCAST(flight_v1, flight, [](flight_v1&& old) { return flight{old.row}; });
