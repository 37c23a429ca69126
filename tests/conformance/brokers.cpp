// SPDX-License-Identifier: Apache-2.0
#include "broker_under_test.hpp"

#include <gtest/gtest.h>

#include <iostream>

namespace corvid::conformance {

std::vector<broker_factory>& brokers() {
    static std::vector<broker_factory> all;
    return all;
}

TEST(conformance_suite, names_each_broker_once) {
    if (brokers().empty()) std::cout << "no broker is registered\n";
    std::vector<std::string> seen;
    for (const broker_factory& one : brokers()) {
        EXPECT_EQ(std::count(seen.begin(), seen.end(), one.name), 0) << one.name;
        EXPECT_TRUE(one.open) << one.name;
        seen.push_back(one.name);
    }
}

} // namespace corvid::conformance
