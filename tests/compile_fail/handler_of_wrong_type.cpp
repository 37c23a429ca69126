// SPDX-License-Identifier: Apache-2.0
// expect: corvid: a handler takes (const T&) or (const corvid::received<T>&)
// errors: 2
#include <corvid/consume/typed_handler.hpp>
#include <corvid/message/message.hpp>

struct flight {
    std::string tail;
};
CORVID_MESSAGE(flight, (tail), .topic = "air.flight.departed");

corvid::task_scope tasks;
auto wrong = [](int) {};
corvid::typed_handler<flight, decltype(wrong)> handler(wrong, tasks);
