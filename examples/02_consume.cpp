// SPDX-License-Identifier: Apache-2.0
//
// 2. Consume: a service, a handler that is a plain function and one that is a coroutine.
//
//   example_02_consume [HOST:PORT]     without a broker: on one inside the process
//
// Prints: UA: 3 flights, 21 minutes; 2 late ones looked into
#include <corvid/message/message.hpp>
#include <corvid/service/service.hpp>

#include <atomic>
#include <functional>
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

using namespace std::chrono_literals;

/// Handlers run on several threads, for different keys at the same time: what they share is atomic.
struct delay_board {
    void update(const flight_departed& f) {
        ++flights;
        minutes += f.delay_minutes.value_or(0);
        note();
    }
    void look_into(const flight_departed&) {
        ++late;
        note();
    }
    void note() {
        if (++notes == 5) full();
    }
    std::atomic<int> flights = 0, minutes = 0, late = 0, notes = 0;
    std::function<void()> full;
};

// A service reads its settings from a file: corvid::settings::load("corvid.yaml"). These are given in code,
// so that the example stands alone.
corvid::settings settings_for(const std::string& broker) {
    corvid::settings s{.service = "delays",
                       .kafka = {.bootstrap = broker},
                       .topics = {{.name = "air.flight.departed", .partitions = 12}}};
    s.http.listen = "127.0.0.1:0"; // /livez /readyz /health /ready /metrics
    s.log.level = corvid::log_level::warn;
    return s;
}

int consume(const std::string& broker) {
    delay_board board;
    // [service]
    corvid::service service{settings_for(broker)};

    // A plain function. Its consumer group is delays.board: {service}.{subscription}.
    service.on<flight_departed>("board", [&](const flight_departed& f) { board.update(f); });

    // A coroutine that answers what became of the record. While it waits, other keys go on.
    service.on<flight_departed>(
        "late", [&](const flight_departed& f, corvid::context& ctx) -> corvid::task<corvid::outcome> {
            if (f.delay_minutes.value_or(0) < 5) co_return corvid::skip;
            co_await ctx.sleep(10ms); // a look-up somewhere else
            board.look_into(f);
            co_return corvid::done;
        });
    // [service]
    board.full = [&] { service.request_stop(); }; // the example ends; a service runs until SIGTERM

    for (const int delay : {2, 8, 11}) {
        const flight_departed f{.tail_number = "N14228", .carrier = "UA", .delay_minutes = delay};
        if (auto posted = service.producer().post(f); !posted) std::cerr << posted.error().describe() << '\n';
    }

    // [run]
    const int code = service.run(); // until SIGTERM: stops intake, drains, commits, leaves the group
    // [run]
    std::cout << "UA: " << board.flights << " flights, " << board.minutes << " minutes; " << board.late
              << " late ones looked into\n";
    return code;
}

} // namespace

int main(int count, char** arguments) {
    try {
        return consume(count > 1 ? arguments[1] : "memory:");
    } catch (const corvid::config_error& wrong) {
        std::cerr << wrong.why().describe() << '\n';
        return 2;
    }
}
