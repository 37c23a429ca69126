// SPDX-License-Identifier: Apache-2.0
//
// 1. Publish: a message, and the three ways to send it.
//
//   example_01_publish [HOST:PORT]     without a broker: on one inside the process
//
// Prints: on its way.*answered.*all posted flights are durable
#include <corvid/base/task.hpp>
#include <corvid/message/message.hpp>
#include <corvid/service/producer.hpp>

#include <iostream>

// [message]
struct flight_departed {
    std::string tail_number, carrier;
    std::optional<int> delay_minutes;
};
CORVID_MESSAGE(flight_departed, (tail_number, carrier, delay_minutes), .topic = "air.flight.departed",
               .key = &flight_departed::tail_number);
// [message]

namespace {

// On a real cluster the topic must exist: corvid creates none by itself. The in-process one gets those of the
// settings.
corvid::settings settings_for(const std::string& broker) {
    return {.service = "departures",
            .kafka = {.bootstrap = broker},
            .topics = {{.name = "air.flight.departed", .partitions = 12}}};
}

// [await]
corvid::task<void> send_and_wait(corvid::producer& out) {
    const flight_departed f{.tail_number = "N24211", .carrier = "UA", .delay_minutes = 4};
    const corvid::result<corvid::delivery> d =
        co_await out.send(f); // resumes on the broker's acknowledgement
    if (!d)
        std::cout << "not sent: " << d.error().describe() << '\n';
    else
        std::cout << "answered: partition " << d->partition.value << ", offset " << d->offset.value << '\n';
}
// [await]

int publish(const std::string& broker) {
    corvid::producer out{settings_for(broker)};

    // With a callback, on the producer's delivery thread. It must not block.
    out.send(flight_departed{.tail_number = "N14228", .carrier = "UA", .delay_minutes = 2},
             [](const corvid::result<corvid::delivery>& d) {
                 if (!d) std::cerr << "not sent: " << d.error().describe() << '\n';
             });
    std::cout << "on its way; ";

    // Awaited: in a coroutine of a service, or from a plain thread by wait().
    out.wait(send_and_wait(out));

    // [post]
    // Fire and forget; a post waits only where 20,000 records are in flight already.
    for (int i = 0; i < 1000; ++i) {
        const flight_departed f{.tail_number = "N" + std::to_string(i), .carrier = "B6", .delay_minutes = {}};
        if (auto posted = out.post(f); !posted) std::cerr << posted.error().describe() << '\n';
    }
    const corvid::result<void> flushed = out.flush_and_wait(); // all of it is durable, or the first error
    // [post]
    std::cout << (flushed ? "all posted flights are durable" : flushed.error().describe()) << '\n';
    return flushed ? 0 : 1;
}

} // namespace

int main(int count, char** arguments) {
    try {
        return publish(count > 1 ? arguments[1] : "memory:");
    } catch (const corvid::config_error& wrong) {
        std::cerr << wrong.why().describe() << '\n';
        return 2;
    }
}
