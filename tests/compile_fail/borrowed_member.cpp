// SPDX-License-Identifier: Apache-2.0
// expect: corvid: this member borrows what it points to; a message owns its members: use std::string
// expect: "tail_number"
#include <corvid/message/message.hpp>

struct flight {
    std::string_view tail_number;
};
CORVID_MESSAGE(flight, (tail_number), .topic = "air.flight.departed");
