// SPDX-License-Identifier: Apache-2.0
// expect: corvid: a batch handler takes (std::span<const corvid::received<T>>)
// errors: 2
#include <corvid/consume/shapes/batch_handler.hpp>
#include <corvid/message/message.hpp>

struct flight {
    std::string tail;
};
CORVID_MESSAGE(flight, (tail), .topic = "air.flight.departed");

corvid::task_scope tasks;
auto wrong = [](const flight&) {};
corvid::batch_handler<flight, decltype(wrong)> handler(wrong, {}, tasks);
