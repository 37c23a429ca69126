// SPDX-License-Identifier: Apache-2.0
// expect: corvid: .topic breaks Kafka's own rule
#include <corvid/message/message.hpp>

struct flight {
    int row = 0;
};
CORVID_MESSAGE(flight, (row), .topic = corvid::unchecked("no blanks"));
