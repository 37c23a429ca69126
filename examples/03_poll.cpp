// SPDX-License-Identifier: Apache-2.0
//
// 3. Poll: records when the program asks for them, committed by hand.
//
//   example_03_poll [HOST:PORT]     without a broker: on one inside the process
//
// Prints: N1.*N2.*N3.*3 flights read
#include <corvid/message/message.hpp>
#include <corvid/service/service.hpp>

#include <iostream>

struct flight_departed {
    std::string tail_number;
};
CORVID_MESSAGE(flight_departed, (tail_number), .topic = "air.flight.departed",
               .key = &flight_departed::tail_number);

namespace {

using namespace std::chrono_literals;

corvid::settings settings_for(const std::string& broker) {
    corvid::settings s{
        .service = "scan", .kafka = {.bootstrap = broker}, .topics = {{.name = "air.flight.departed"}}};
    s.http.listen.clear(); // no HTTP server
    s.log.level = corvid::log_level::warn;
    return s;
}

/// A tool that does nothing else has corvid::consumer<T>: the same without a service around it.
int poll(const std::string& broker) {
    corvid::service service{settings_for(broker)};
    auto in = service.stream<flight_departed>("scan", {.commit = corvid::commit_mode::by_hand});
    service.start();
    for (const char* tail : {"N1", "N2", "N3"})
        if (auto posted = service.producer().post(flight_departed{tail}); !posted)
            std::cerr << posted.error().describe() << '\n';

    // [poll]
    int read = 0;
    while (read < 3) {
        corvid::polled<flight_departed> p = in.poll(100ms); // none | message | error
        if (p.is_none()) continue;                          // nothing came in time
        if (!p) {
            std::cerr << "bytes that are no flight: " << p.why()->describe() << '\n';
        } else {
            std::cout << p->message().tail_number << " at offset " << p.record().offset().value << '\n';
            ++read;
        }
        p.commit_up_to(); // this one and those before it are done: they do not come again
    }
    // [poll]

    // In a coroutine:  while (auto r = co_await in.next()) { …; r.commit_up_to(); }
    std::cout << read << " flights read\n";
    return static_cast<int>(service.stop());
}

} // namespace

int main(int count, char** arguments) {
    try {
        return poll(count > 1 ? arguments[1] : "memory:");
    } catch (const corvid::config_error& wrong) {
        std::cerr << wrong.why().describe() << '\n';
        return 2;
    }
}
