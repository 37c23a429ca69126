// SPDX-License-Identifier: Apache-2.0
// expect: corvid: two alternatives of this variant have the same name on the wire: wrap one in a CORVID_VALUE
// expect: "payment"
#include <corvid/message/message.hpp>

struct flight {
    std::variant<int, long> payment;
};
CORVID_MESSAGE(flight, (payment), .topic = "air.flight.departed");
