// SPDX-License-Identifier: Apache-2.0
// expect: corvid: a member is missing from the list
// expect: member_list_is_complete<flight, 1, 2>
#include <corvid/message/message.hpp>

struct flight {
    std::string tail_number;
    int delay = 0;
};
CORVID_MESSAGE(flight, (tail_number), .topic = "air.flight.departed");
