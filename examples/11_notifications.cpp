// SPDX-License-Identifier: Apache-2.0
//
// 11. An idempotent worker: a notification service tells customers of each parcel once, though every event
// comes twice. `process_if_new` is mark and effect in one transaction, in any code. The mail itself leaves
// through the outbox, with an id by which its gateway knows a second copy.
//
//   example_11_notifications [HOST:PORT [DATABASE]]     by default: a broker inside the process, and SQLite
//
// Prints: 30 parcels, told of twice: 30 notifications, 30 mails
#include <corvid/inbox/inbox.hpp>
#include <corvid/message/message.hpp>
#include <corvid/outbox/publish.hpp>
#include <corvid/service/service.hpp>

#include <atomic>
#include <iostream>
#include <set>
#include <string>

struct parcel_shipped {
    std::string parcel, customer;
};
CORVID_MESSAGE(parcel_shipped, (parcel, customer), .topic = "shop.parcel.shipped",
               .key = &parcel_shipped::customer);

struct mail_requested {
    std::string to, text;
};
CORVID_MESSAGE(mail_requested, (to, text), .topic = "shop.mail.requested", .key = &mail_requested::to);

namespace {

using namespace std::chrono_literals;

constexpr std::size_t parcels = 30;

corvid::settings settings_for(const std::string& broker) {
    return {.service = "notifications",
            .kafka = {.bootstrap = broker},
            .http = {.listen = "127.0.0.1:0"},
            .log = {.level = corvid::log_level::critical},
            .topics = {{.name = "shop.parcel.shipped", .partitions = 6},
                       {.name = "shop.mail.requested", .partitions = 6}}};
}

corvid::task<corvid::result<void>> make_tables(corvid::database& database, corvid::inbox& inbox) {
    auto migrating = inbox.migrate();
    auto made = co_await migrating;
    if (!made) co_return corvid::fail(std::move(made.error()));
    corvid::unit_of_work tables;
    tables.execute("drop table if exists notification");
    tables.execute("create table notification(customer text not null, text text not null)");
    auto making = database.write(std::move(tables));
    co_return co_await making;
}

corvid::task<std::int64_t> count_notifications(corvid::database& database) {
    auto asked = database.query<std::int64_t>("select count(*) from notification");
    auto rows = co_await asked;
    co_return rows ? rows->front() : -1;
}

// [inbox]
corvid::task<corvid::outcome> notify(corvid::inbox& inbox, std::string event_id, const parcel_shipped& what) {
    const std::string text = "Parcel " + what.parcel + " is on its way.";
    const auto effect = [&](corvid::unit_of_work& db) {
        db.execute("insert into notification(customer, text) values ($1, $2)", what.customer, text);
        corvid::publish(db, mail_requested{.to = what.customer, .text = text}, {.event_id = event_id});
    };
    auto processing = inbox.process_if_new(event_id, effect);
    auto outcome = co_await std::move(processing); // processed, already_processed, or an error
    co_return outcome ? corvid::outcome(corvid::done) : corvid::retry(outcome.error());
}
// [inbox]

int work(const std::string& broker, const std::string& url) {
    corvid::service service{settings_for(broker)};
    corvid::database database{service.root(), {.url = url}};
    corvid::inbox inbox{database, {.group = "notifications"}, &service.figures()};
    if (auto made = corvid::wait_for(service.root(), database.loop(), make_tables(database, inbox)); !made)
        throw corvid::config_error(made.error());
    inbox.keep_clean();
    std::set<std::string> gateway; // takes each mail once, by its id, as many do
    std::atomic<std::size_t> sent = 0;
    service.on<parcel_shipped>("notify", [&](const parcel_shipped& what, corvid::context& ctx) {
        return notify(inbox, ctx.event_id(), what);
    });
    service.on<mail_requested>("mail",
                               [&](const mail_requested&, corvid::context& ctx) {
                                   if (gateway.insert(ctx.event_id()).second) ++sent;
                               },
                               {.concurrency = 1});
    service.relay(database);
    service.start();
    for (std::size_t i = 0; i < 2 * parcels; ++i) {
        const parcel_shipped what{"p" + std::to_string(i / 2), "c" + std::to_string(i / 2 % 7)};
        if (auto posted = service.producer().post(what, {.event_id = what.parcel}); !posted)
            std::cerr << posted.error().describe() << '\n';
    }
    for (const auto until = service.root().steady_now() + 30s; service.root().steady_now() < until;)
        if (sent == parcels) break;
    const auto code = service.stop();
    std::cout << parcels << " parcels, told of twice: "
              << corvid::wait_for(service.root(), database.loop(), count_notifications(database))
              << " notifications, " << sent << " mails\n";
    return static_cast<int>(code);
}

} // namespace

int main(int count, char** arguments) {
    try {
        return work(count > 1 ? arguments[1] : "memory:", count > 2 ? arguments[2] : "sqlite::memory:");
    } catch (const corvid::config_error& wrong) {
        std::cerr << wrong.why().describe() << '\n';
        return 2;
    }
}
