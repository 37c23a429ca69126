// SPDX-License-Identifier: Apache-2.0
//
// Crashes of services whose handlers publish and do not wait for it: no order is without its invoice.
#include <corvid/testing/matchers.hpp>
#include <corvid/testing/sample_test.hpp>

#include <set>

namespace corvid::testing {
namespace {

constexpr point points[] = {before_handler.within(30), after_handler.within(30), before_commit.within(2),
                            after_commit.within(2),    before_send.within(60),   after_send.within(60)};

void invoice(const order_placed& o, context& ctx) { ctx.publish(invoice_issued{o.customer, o.n}); }

void plain(corvid::service& s) { s.on<order_placed>("invoices", invoice); }
void fanned(corvid::service& s) {
    s.fan_out<order_placed>("invoices", to_all(invoice, [](const order_placed& o, context& ctx) {
                                if (o.n % 4 == 1 && ctx.attempt() == 1) throw std::runtime_error("not yet");
                            }));
}
void routed(corvid::service& s) {
    s.route("invoices", "shop.order.placed")
        .by([](const record_origin&) { return std::string(message_traits<order_placed>::event_type); })
        .on<order_placed>(invoice)
        .otherwise(stop);
}
void batched(corvid::service& s) {
    s.on_batch<order_placed>("invoices",
                             [](std::span<const received<order_placed>> batch, batch_context& ctx) {
                                 for (std::size_t i = 0; i < batch.size(); ++i)
                                     invoice(*batch[i], ctx.of(i));
                             },
                             {.max = 7, .within = 5ms});
}

TEST(publishing, at_any_crash_each_order_has_its_invoice_whatever_the_shape_of_the_handler) {
    std::size_t crashes = 0, worlds = 0;
    for (const auto& shape : {plain, fanned, routed, batched})
        for (std::uint64_t seed = 1; seed <= 10; ++seed)
            for (const point& where : points) {
                world w(seed);
                w.start(shape, named("billing", 2)).crash_at(where);
                publish_orders(w, 8, 10);
                w.delay_sends(1s * (seed * 2)); // over some commits
                w.run_until_consumed();
                std::set<std::pair<std::string, int>> issued;
                for (const auto& each : w.topic<invoice_issued>())
                    issued.emplace(each->customer, each->n);
                ASSERT_EQ(issued.size(), 80u) << w.describe();
                crashes += w.crashes();
                ++worlds;
            }
    EXPECT_GT(crashes, worlds / 2) << "the points are hardly ever reached";
}

} // namespace
} // namespace corvid::testing
