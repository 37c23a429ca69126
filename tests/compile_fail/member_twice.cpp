// SPDX-License-Identifier: Apache-2.0
// expect: corvid: the list names a member twice
#include <corvid/message/message.hpp>

struct flight {
    std::string tail_number;
    int delay = 0;
};
CORVID_MESSAGE(flight, (delay, delay), .topic = "air.flight.departed");
