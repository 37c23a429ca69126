// SPDX-License-Identifier: Apache-2.0
//
// 6. What follows from a record: several handlers for each, and messages that a handler publishes. A record
// is done when all of them are and the broker has acknowledged what they published.
//
//   example_07_what_follows [HOST:PORT]     without a broker: on one inside the process
//
// Prints: 20 orders: 20 reserved, 20 invoices, 20 receipts in 1 batch
#include <corvid/message/message.hpp>
#include <corvid/service/service.hpp>

#include <atomic>
#include <functional>
#include <iostream>

struct order_placed {
    std::string id;
    double amount = 0;
};
CORVID_MESSAGE(order_placed, (id, amount), .topic = "shop.orders", .key = &order_placed::id);

struct invoice_issued {
    std::string order;
    double amount = 0;
};
CORVID_MESSAGE(invoice_issued, (order, amount), .topic = "shop.invoices", .key = &invoice_issued::order);

struct receipt_sent {
    std::string order;
};
CORVID_MESSAGE(receipt_sent, (order), .topic = "shop.receipts", .key = &receipt_sent::order);

namespace {

using namespace std::chrono_literals;

constexpr int orders = 20;

corvid::settings settings_for(const std::string& broker) {
    corvid::settings s{.service = "shop",
                       .kafka = {.bootstrap = broker},
                       .topics = {{.name = "shop.orders", .partitions = 6},
                                  {.name = "shop.invoices", .partitions = 6},
                                  {.name = "shop.receipts", .partitions = 6}}};
    s.http.listen = "127.0.0.1:0";
    s.log.level = corvid::log_level::warn;
    return s;
}

int consume(const std::string& broker) {
    std::atomic<int> reserved = 0, invoices = 0, batches = 0, receipts = 0;

    corvid::service service{settings_for(broker)};

    // [fan_out]
    service.fan_out<order_placed>(
        "orders", corvid::to_all([&](const order_placed&) { ++reserved; }, // the stock
                                 [](const order_placed& o, corvid::context& ctx) -> corvid::task<void> {
                                     const invoice_issued invoice{.order = o.id, .amount = o.amount};
                                     co_await ctx.sleep(1ms);
                                     ctx.publish(invoice); // need not be awaited
                                 }));
    // [fan_out]

    // [batch]
    service.on_batch<invoice_issued>(
        "invoices",
        [&](std::span<const corvid::received<invoice_issued>> batch, corvid::batch_context& ctx) {
            ++batches;
            invoices += static_cast<int>(batch.size());
            for (std::size_t i = 0; i < batch.size(); ++i)
                ctx.of(i).publish(receipt_sent{.order = batch[i]->order});
        },
        {.max = orders, .within = 10s});
    // [batch]

    service.on<receipt_sent>("receipts", [&](const receipt_sent&) {
        if (++receipts == orders) service.request_stop(); // a service runs until SIGTERM
    });

    for (int i = 0; i < orders; ++i)
        if (auto posted = service.producer().post(order_placed{.id = "o" + std::to_string(i), .amount = 1.5});
            !posted)
            std::cerr << posted.error().describe() << '\n';

    const int code = service.run();
    std::cout << orders << " orders: " << reserved << " reserved, " << invoices << " invoices, " << receipts
              << " receipts in " << batches << (batches == 1 ? " batch\n" : " batches\n");
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
