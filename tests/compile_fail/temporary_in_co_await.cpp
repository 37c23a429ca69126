// SPDX-License-Identifier: Apache-2.0
// expect: gcc_12_destroys_temporaries_in_co_await_twice_so_name_the_message_first
// only: gcc<13
#include <corvid/base/task.hpp>
#include <corvid/message/message.hpp>
#include <corvid/produce/message_producer.hpp>

struct flight {
    std::string tail;
};
CORVID_MESSAGE(flight, (tail), .topic = "air.flight.departed");

corvid::task<void> publish(corvid::message_producer out) {
    auto sent = co_await out.send(flight{"N14228"});
    if (!sent) co_return;
}
