// SPDX-License-Identifier: Apache-2.0
//
// 4. Errors: what goes wrong says for whom, of what class, and what to do. Nothing here needs a broker.
//
// Prints: bootstrap.*too_heavy: CVD-.*handled: OK OK try
#include <corvid/message/message.hpp>
#include <corvid/service/service.hpp>

#include <iostream>

struct parcel_received {
    std::string id;
};
CORVID_MESSAGE(parcel_received, (id), .topic = "post.parcel.received", .key = &parcel_received::id);

namespace {

using namespace std::chrono_literals;

corvid::settings quiet_settings() {
    corvid::settings s{.service = "parcels",
                       .kafka = {.bootstrap = "memory:"},
                       .topics = {{.name = "post.parcel.received"}}};
    s.http.listen.clear();
    s.log.output = [](std::string_view) {}; // what happens to records is logged, too; here it is printed
    return s;
}

/// Settings: an unknown name is refused with its place and the nearest one.
void wrong_settings() {
    const auto read = corvid::settings::parse("kafka:\n  bootstrp: broker:9092\n", "corvid.yaml", {});
    std::cout << read.error().describe() << '\n';
}

/// Sending: the result says why a record is not sent. It is never thrown, and nothing else is held up.
void wrong_sends(corvid::message_producer out) {
    if (auto posted = out.post(parcel_received{.id = std::string(2'000'000, 'x')}); !posted)
        std::cout << "too_heavy: " << posted.error().describe().substr(0, 200) << '\n';
}

} // namespace

int main() {
    wrong_settings();

    std::string handled;
    int tries = 0;
    corvid::service service{quiet_settings()};
    wrong_sends(service.producer());

    // [handler]
    // Handling: an exception is a retry with back-off, for which no other key waits. corvid::rejected is for
    // what no further try can help: to its dead letter topic, or, as here, passed over. corvid::fatal stops
    // the service.
    service.on<parcel_received>("sorting",
                                [&](const parcel_received& p) {
                                    if (p.id == "torn") throw corvid::rejected("the label cannot be read");
                                    if (p.id == "try" && ++tries < 3)
                                        throw std::runtime_error("the belt is busy");
                                    handled += p.id + ' ';
                                    if (p.id == "try") service.request_stop();
                                },
                                {.concurrency = 1, // one call at a time: `handled` and `tries` need no lock
                                 .retry = {.first = 10ms, .limit = 5},
                                 .rejected = corvid::when_rejected::pass_over});
    // [handler]

    auto out = service.producer();
    for (const char* id : {"OK", "torn", "try", "OK"})
        if (auto posted = out.post(parcel_received{id}); !posted) return 1;
    // Bytes that are no parcel count as rejected, with the JSON path in the error.
    if (auto posted = out.post(**out.topic("post.parcel.received"), nullptr, R"({"id":7})"); !posted)
        return 1;
    const int code = service.run();
    std::cout << "handled: " << handled << '\n';
    return code;
}
