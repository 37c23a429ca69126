// SPDX-License-Identifier: Apache-2.0
// expect: corvid: this member's struct is not declared: put CORVID_VALUE(Type, (members)) after it
// expect: "legs"
// expect: leg
#include <corvid/message/message.hpp>

struct leg {
    std::string origin;
};
struct flight {
    std::vector<leg> legs;
};
CORVID_MESSAGE(flight, (legs), .topic = "air.flight.departed");
