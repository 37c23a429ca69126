// SPDX-License-Identifier: Apache-2.0
//
// 8. Effects in a database, once an event. A worker books payments; each comes twice here, and some may not
// be booked at all. What a handler records is written when it has said done, many records in one transaction,
// each with a mark of its event: a duplicate finds the mark.
//
//   example_08_exactly_once [HOST:PORT [DATABASE]]     by default: a broker inside the process, and SQLite
//
// DATABASE: sqlite:path/to/file.db, or postgresql://user:password@host:port/name
// Prints: 40 payments, sent twice: 38 booked, 2 refused
#include <corvid/message/message.hpp>
#include <corvid/service/service.hpp>
#include <corvid/store/database.hpp>

#include <iostream>
#include <string>

struct payment_made {
    std::string id;
    std::string account;
    int cents = 0;
};
CORVID_MESSAGE(payment_made, (id, account, cents), .topic = "bank.payments", .key = &payment_made::account);

namespace {

using namespace std::chrono_literals;

constexpr int payments = 40;

corvid::settings settings_for(const std::string& broker) {
    corvid::settings s{.service = "bank",
                       .kafka = {.bootstrap = broker},
                       .topics = {{.name = "bank.payments", .partitions = 6},
                                  {.name = "bank.payments.bank.book.dlq", .partitions = 6}}};
    s.http.listen = "127.0.0.1:0";
    s.log.level = corvid::log_level::critical;
    return s;
}

corvid::task<corvid::result<void>> make_tables(corvid::database& database) {
    for (const char* sql :
         {"drop table if exists booking",
          "create table booking(id text not null, account text not null, cents bigint not null, "
          "check (cents > 0))"}) {
        auto asked = database.execute(sql);
        auto made = co_await asked;
        if (!made) co_return corvid::fail(std::move(made.error()));
    }
    co_return corvid::result<void>{};
}

corvid::task<std::int64_t> count_bookings(corvid::database& database) {
    auto asked = database.query<std::int64_t>("select count(*) from booking");
    auto rows = co_await asked;
    co_return rows ? rows->front() : -1;
}

int book(const std::string& broker, const std::string& url) {
    corvid::service service{settings_for(broker)};
    corvid::database database{service.root(), {.url = url}};
    if (auto made = corvid::wait_for(service.root(), database.loop(), make_tables(database)); !made)
        throw corvid::config_error(made.error());

    // [exactly_once]
    service.on<payment_made>("book",
                             [](const payment_made& p, corvid::context&, corvid::unit_of_work& db) {
                                 db.execute("insert into booking(id, account, cents) values ($1, $2, $3)",
                                            p.id, p.account, p.cents);
                             },
                             {.exactly_once = corvid::in(database)});
    // [exactly_once]

    service.start();
    for (int i = 0; i < 2 * payments; ++i) {
        const int n = i / 2;
        const std::string id = "p" + std::to_string(n);
        const payment_made paid{.id = id, .account = "a" + std::to_string(n % 7), .cents = n % 20};
        if (auto posted = service.producer().post(paid, {.event_id = id}); !posted)
            std::cerr << posted.error().describe() << '\n';
    }
    const std::int64_t expected = payments - payments / 20;
    const auto until = service.root().steady_now() + 30s;
    std::int64_t booked = 0;
    while (booked < expected && service.root().steady_now() < until)
        booked = corvid::wait_for(service.root(), database.loop(), count_bookings(database));
    const auto code = service.stop(); // what is at work is finished and committed
    booked = corvid::wait_for(service.root(), database.loop(), count_bookings(database));
    std::cout << payments << " payments, sent twice: " << booked << " booked, " << payments - booked
              << " refused\n";
    return static_cast<int>(code);
}

} // namespace

int main(int count, char** arguments) {
    try {
        return book(count > 1 ? arguments[1] : "memory:", count > 2 ? arguments[2] : "sqlite::memory:");
    } catch (const corvid::config_error& wrong) {
        std::cerr << wrong.why().describe() << '\n';
        return 2;
    }
}
