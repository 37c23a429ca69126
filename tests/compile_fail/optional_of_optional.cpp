// SPDX-License-Identifier: Apache-2.0
// expect: corvid: this member is an optional of an optional
// expect: "delay"
#include <corvid/message/message.hpp>

struct flight {
    std::optional<std::optional<int>> delay;
};
CORVID_MESSAGE(flight, (delay), .topic = "air.flight.departed");
