// SPDX-License-Identifier: Apache-2.0
// expect: corvid: .key names a member that is not in the list
// errors: 2
// expect: corvid: a member is missing from the list
#include <corvid/message/message.hpp>

struct flight {
    int row = 0;
    std::string tail_number;
};
CORVID_MESSAGE(flight, (row), .topic = "air.flight.departed", .key = &flight::tail_number);
