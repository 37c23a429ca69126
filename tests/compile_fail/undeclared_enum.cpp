// SPDX-License-Identifier: Apache-2.0
// expect: corvid: this member's enum is not declared: put CORVID_ENUM(Type, enumerators) after it
// expect: "state"
#include <corvid/message/message.hpp>

enum class status { scheduled, departed };
struct flight {
    std::optional<status> state;
};
CORVID_MESSAGE(flight, (state), .topic = "air.flight.departed");
