// SPDX-License-Identifier: Apache-2.0
//
// 9. Testing: a service in the in-process broker and in virtual time, with crashes and back-offs, without a
// broker and without waiting. The checks are GoogleTest's; so is main().
//
//   example_09_testing
//
// Prints: PASSED.* 4 tests
#include <corvid/message/message.hpp>
#include <corvid/testing/matchers.hpp>
#include <corvid/testing/world.hpp>

#include <gtest/gtest.h>

// [messages]
struct order_placed {
    std::string customer;
    int number = 0, cents = 0;
};
CORVID_MESSAGE(order_placed, (customer, number, cents), .topic = "shop.order.placed",
               .key = &order_placed::customer);

struct invoice_issued {
    std::string customer;
    int number = 0, cents = 0;
};
CORVID_MESSAGE(invoice_issued, (customer, number, cents), .topic = "shop.invoice.issued",
               .key = &invoice_issued::customer);
// [messages]

namespace {

using namespace std::chrono_literals;
using namespace corvid::testing;

// [service]
/// The service under test: what main() of the real one calls, too.
void name_handlers(corvid::service& service) {
    auto issue = [&service](const order_placed& o) -> corvid::task<corvid::outcome> {
        if (o.cents < 0) co_return corvid::dead_letter("an order below zero");
        const invoice_issued invoice{o.customer, o.number, o.cents};
        auto sent = co_await service.producer().send(invoice);
        if (!sent) co_return corvid::retry(sent.error());
        co_return corvid::done;
    };
    service.on<order_placed>("invoices", issue, {.retry = {.first = 1min, .factor = 2, .limit = 10}});
}
const start_options billing{.settings = {.service = "billing"}};
// [service]

// [first]
TEST(billing, issues_an_invoice_for_each_order) {
    world w(1);
    w.start(name_handlers, billing).publish(order_placed{"ann", 1, 250}).publish(order_placed{"bob", 1, 99});
    w.run_until_consumed();
    EXPECT_THAT(w.topic<invoice_issued>(), ::testing::SizeIs(2));
    EXPECT_THAT(w.topic<invoice_issued>(), each_once());
}
// [first]

// [crash]
TEST(billing, loses_no_order_and_keeps_each_customers_order_wherever_it_crashes) {
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        world w(seed);
        w.start(name_handlers, {.instances = 3, .settings = {.service = "billing"}});
        for (int n = 0; n < 10; ++n)
            for (const char* customer : {"ann", "bob", "cid"})
                w.publish(order_placed{customer, n, 100});
        w.crash_at(any_send.within(30)).crash_at(any_commit).after(3s, [&] { w.rebalance(); });
        w.run_until_consumed();
        EXPECT_THAT(w.topic<invoice_issued>(), in_order_by_key(&invoice_issued::number));
        EXPECT_GE(w.topic<invoice_issued>().size(), 30u) << w.describe(); // at least once
    }
}
// [crash]

// [faults]
TEST(billing, outlasts_a_broker_that_is_away_for_a_quarter_of_an_hour) {
    world w(2);
    w.start(name_handlers, billing).run_for(1s);
    w.publish(order_placed{"ann", 1, 250}).broker_down_for(15min).run_until_consumed();
    EXPECT_THAT(w.topic<invoice_issued>(), each_once(&invoice_issued::number));
    EXPECT_GT(w.now(), 15min); // of virtual time
}
// [faults]

// [dead]
TEST(billing, puts_what_it_cannot_invoice_into_the_dead_letters) {
    world w(3);
    const order_placed wrong{"ann", 1, -5};
    w.start(name_handlers, billing).publish(wrong).publish_bytes("shop.order.placed", "bob", "{");
    w.run_until_consumed();
    EXPECT_THAT(wrong, is_dead_lettered(w, "billing.invoices"));
    EXPECT_THAT(w.dead_letters("shop.order.placed", "billing.invoices"), contains_key("bob"));
    EXPECT_THAT(w.topic<invoice_issued>(), ::testing::IsEmpty());
}
// [dead]

} // namespace
