// SPDX-License-Identifier: Apache-2.0
// expect: corvid: a message or value is a plain struct: no constructors, private members or bases
#include <corvid/message/message.hpp>

struct flight {
    flight(int r) : row(r) {}
    int row;
};
CORVID_MESSAGE(flight, (row), .topic = "air.flight.departed");
