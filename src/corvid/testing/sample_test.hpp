// SPDX-License-Identifier: Apache-2.0
//
// Messages for the tests of worlds. Tests only.
#pragma once

#include <corvid/message/message.hpp>
#include <corvid/testing/world.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace sample {
struct order_placed {
    std::string customer;
    int n = 0; ///< counts up within its customer
};
CORVID_MESSAGE(order_placed, (customer, n), .topic = "shop.order.placed", .key = &order_placed::customer);

struct invoice_issued {
    std::string customer;
    int n = 0;
};
CORVID_MESSAGE(invoice_issued, (customer, n), .topic = "shop.invoice.issued",
               .key = &invoice_issued::customer);
} // namespace sample

namespace corvid::testing {

using namespace std::chrono_literals;
using sample::invoice_issued;
using sample::order_placed;

inline start_options named(const std::string& service, std::size_t instances = 1) {
    return {.instances = instances, .settings = {.service = service}};
}

/// `each` orders of each of `customers`, the customers in turn.
inline void publish_orders(world& to, int customers, int each, int from = 0) {
    for (int n = from; n < from + each; ++n)
        for (int c = 0; c < customers; ++c)
            to.publish(order_placed{"c" + std::to_string(c), n});
}

} // namespace corvid::testing
