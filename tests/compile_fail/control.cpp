// SPDX-License-Identifier: Apache-2.0
// compiles
#include <corvid/message/message.hpp>
#include <corvid/serde/json/json.hpp>

enum class cabin { economy, business };
CORVID_ENUM(cabin, economy, business);

struct seat {
    std::string row;
    cabin in = cabin::economy;
};
CORVID_VALUE(seat, (row, in));

struct flight {
    std::string tail_number;
    std::vector<seat> seats;
};
CORVID_MESSAGE(flight, (tail_number, seats), .topic = "air.flight.departed", .key = &flight::tail_number);

corvid::result<flight> read(std::string_view text) { return corvid::json::decode<flight>(text); }
