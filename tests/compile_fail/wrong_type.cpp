// SPDX-License-Identifier: Apache-2.0
// expect: corvid: this member's type has no mapping to a message
// expect: "lock"
#include <corvid/message/message.hpp>

#include <memory>

struct flight {
    std::string tail_number;
    std::shared_ptr<int> lock;
};
CORVID_MESSAGE(flight, (tail_number, lock), .topic = "air.flight.departed");
