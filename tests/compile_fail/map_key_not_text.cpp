// SPDX-License-Identifier: Apache-2.0
// expect: corvid: this member is a map whose key is not std::string
// expect: "seats"
#include <corvid/message/message.hpp>

struct flight {
    std::map<int, std::string> seats;
};
CORVID_MESSAGE(flight, (seats), .topic = "air.flight.departed");
