// SPDX-License-Identifier: Apache-2.0
// expect: corvid: either all handlers of a fan_out are corvid::blocking, or none is
#include <corvid/consume/shapes/fan_out.hpp>
#include <corvid/message/message.hpp>

struct flight {
    std::string tail;
};
CORVID_MESSAGE(flight, (tail), .topic = "air.flight.departed");

auto plain = [](const flight&) {};
auto slow = corvid::blocking([](const flight&) {});
corvid::fan_out_handler<flight, decltype(plain), decltype(slow)> handler(corvid::to_all(plain, slow));
