// SPDX-License-Identifier: Apache-2.0
// expect: corvid: a message or value is a plain struct: no constructors, private members or bases
#include <corvid/message/message.hpp>

struct event {
    int row = 0;
};
struct flight : event {
    int delay = 0;
};
CORVID_MESSAGE(flight, (delay), .topic = "air.flight.departed");
