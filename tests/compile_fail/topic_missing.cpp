// SPDX-License-Identifier: Apache-2.0
// expect: corvid: a message needs a topic
#include <corvid/message/message.hpp>

struct flight {
    int row = 0;
};
CORVID_MESSAGE(flight, (row), .version = 2);
