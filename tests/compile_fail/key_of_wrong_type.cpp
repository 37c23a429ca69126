// SPDX-License-Identifier: Apache-2.0
// expect: corvid: .key must be text, an integer, a declared enum, a uuid, or an optional of one
#include <corvid/message/message.hpp>

struct flight {
    double fare = 0;
};
CORVID_MESSAGE(flight, (fare), .topic = "air.flight.departed", .key = &flight::fare);
