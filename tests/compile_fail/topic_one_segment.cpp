// SPDX-License-Identifier: Apache-2.0
// expect: corvid: .topic must be 2 to 6 segments of [a-z0-9-] joined by dots, at most 200 characters
#include <corvid/message/message.hpp>

struct flight {
    int row = 0;
};
CORVID_MESSAGE(flight, (row), .topic = "Flights");
