// SPDX-License-Identifier: Apache-2.0
//
// 6. Protect: what stands around each attempt of a handler: a deadline, a circuit breaker for what it depends
// on, a rate limit, and a middleware of one's own. Nothing here needs a broker.
//
// Prints: 20 parcels weighed, 0 given up; the scale was asked [0-9] times while it was away
#include <corvid/message/message.hpp>
#include <corvid/service/service.hpp>

#include <atomic>
#include <iostream>

struct parcel_received {
    std::string id;
};
CORVID_MESSAGE(parcel_received, (id), .topic = "post.parcel.received", .key = &parcel_received::id);

namespace {

using namespace std::chrono_literals;

/// What the handler depends on: away for its first half second.
struct scale {
    bool weigh(const parcel_received&, corvid::steady_time now) {
        if (now >= back) return ++weighed > 0;
        ++asked_in_vain;
        return false;
    }
    corvid::steady_time back{};
    std::atomic<int> weighed = 0, asked_in_vain = 0; // handlers may run on several threads
};

corvid::settings quiet_settings() {
    corvid::settings s{.service = "parcels",
                       .kafka = {.bootstrap = "memory:"},
                       .topics = {{.name = "post.parcel.received", .partitions = 2}}};
    s.http.listen.clear();
    s.log.output = [](std::string_view) {}; // the breaker's changes are logged, too
    return s;
}

} // namespace

int main() {
    corvid::service service{quiet_settings()};
    scale at;
    at.back = service.root().steady_now() + 500ms;
    std::atomic<int> given_up = 0;

    // [protect]
    // While the breaker is open nothing is taken in and no attempt is used up: the records wait in their
    // order. Handlers that name the same dependency share its breaker. Past the deadline ctx.stop() says so,
    // and the record is tried again.
    auto counts_what_is_given_up = [&](corvid::context&, corvid::next_call next) -> corvid::outcome {
        corvid::outcome what = next();
        given_up += what == corvid::verdict::dead_letter;
        return what;
    };
    service.on<parcel_received>("weighing",
                                [&](const parcel_received& p) -> corvid::outcome {
                                    if (!at.weigh(p, service.root().steady_now()))
                                        return corvid::retry("the scale is away");
                                    if (at.weighed == 20) service.request_stop();
                                    return corvid::done;
                                },
                                {.retry = {.first = 10ms},
                                 .rate = {.per_second = 1'000},
                                 .breaker = {.failures = 3, .open_for = 200ms, .name = "scale"},
                                 .deadline = 2s,
                                 .middleware = {counts_what_is_given_up}});
    // [protect]

    for (int i = 0; i < 20; ++i)
        if (auto posted = service.producer().post(parcel_received{"p" + std::to_string(i)}); !posted)
            return 1;
    const int code = service.run();
    std::cout << at.weighed << " parcels weighed, " << given_up << " given up; the scale was asked "
              << at.asked_in_vain << " times while it was away\n";
    return code;
}
