// SPDX-License-Identifier: Apache-2.0
//
// 10. Events that leave exactly if a transaction is committed. Plain code places orders in a database of its
// own, with no consumer and no handler near; each placed order leaves as an event, a refused one leaves none.
// A relay inside the service sends what was committed, also what was committed before the service began.
//
//   example_10_outbox [HOST:PORT [DATABASE]]     by default: a broker inside the process, and SQLite
//
// DATABASE: sqlite:path/to/file.db, or postgresql://user:password@host:port/name
// Prints: 20 orders: 18 placed, 2 refused, 18 events
#include <corvid/message/message.hpp>
#include <corvid/outbox/publish.hpp>
#include <corvid/service/service.hpp>

#include <atomic>
#include <iostream>
#include <string>

struct order_placed {
    std::string id;
    std::string customer;
    int cents = 0;
};
CORVID_MESSAGE(order_placed, (id, customer, cents), .topic = "shop.order.placed",
               .key = &order_placed::customer);

namespace {

using namespace std::chrono_literals;

constexpr int orders = 20;

corvid::settings settings_for(const std::string& broker) {
    corvid::settings s{.service = "shop",
                       .kafka = {.bootstrap = broker},
                       .topics = {{.name = "shop.order.placed", .partitions = 6}}};
    s.http.listen = "127.0.0.1:0";
    s.log.level = corvid::log_level::critical;
    return s;
}

corvid::task<corvid::result<void>> make_tables(corvid::database& database) {
    corvid::outbox outbox{database};
    auto making = outbox.migrate(); // the relay would do it at the start, too
    auto made = co_await making;
    if (!made) co_return corvid::fail(std::move(made.error()));
    for (const char* sql : {"drop table if exists placed",
                            "create table placed(id text primary key, cents bigint check (cents > 0))"}) {
        auto asked = database.execute(sql);
        auto done = co_await asked;
        if (!done) co_return corvid::fail(std::move(done.error()));
    }
    co_return corvid::result<void>{};
}

// [outbox]
corvid::task<bool> place(corvid::database& database, order_placed order) {
    corvid::unit_of_work unit;
    unit.execute("insert into placed(id, cents) values ($1, $2)", order.id, order.cents);
    corvid::publish(unit, order);
    auto writing = database.write(std::move(unit)); // both, or neither
    auto written = co_await writing;
    co_return written.has_value();
}
// [outbox]

int sell(const std::string& broker, const std::string& url) {
    corvid::service service{settings_for(broker)};
    corvid::database database{service.root(), {.url = url}};
    if (auto made = corvid::wait_for(service.root(), database.loop(), make_tables(database)); !made)
        throw corvid::config_error(made.error());

    int placed = 0;
    for (int n = 0; n < orders; ++n) {
        const order_placed order{
            .id = std::to_string(n), .customer = "c" + std::to_string(n % 7), .cents = n % 10};
        if (corvid::wait_for(service.root(), database.loop(), place(database, order))) ++placed;
    }

    std::atomic<int> events = 0;
    service.on<order_placed>("count", [&](const order_placed&) { ++events; });
    // [relay]
    service.relay(database);
    service.start();
    // [relay]
    const auto until = service.root().steady_now() + 30s;
    while (events < placed && service.root().steady_now() < until)
        continue;
    const auto code = service.stop();
    std::cout << orders << " orders: " << placed << " placed, " << orders - placed << " refused, " << events
              << " events\n";
    return static_cast<int>(code);
}

} // namespace

int main(int count, char** arguments) {
    try {
        return sell(count > 1 ? arguments[1] : "memory:", count > 2 ? arguments[2] : "sqlite::memory:");
    } catch (const corvid::config_error& wrong) {
        std::cerr << wrong.why().describe() << '\n';
        return 2;
    }
}
