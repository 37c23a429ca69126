// SPDX-License-Identifier: Apache-2.0
// expect: corvid: this member borrows what it points to; a message owns its members
// expect: "name"
#include <corvid/message/message.hpp>

struct flight {
    const char* name = nullptr;
};
CORVID_MESSAGE(flight, (name), .topic = "air.flight.departed");
