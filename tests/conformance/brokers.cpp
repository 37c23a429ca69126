// SPDX-License-Identifier: Apache-2.0
#include "harness.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace corvid::conformance {

std::vector<broker_factory>& brokers() {
    static std::vector<broker_factory> all;
    return all;
}

INSTANTIATE_TEST_SUITE_P(on, conformance, testing::ValuesIn(brokers()),
                         [](const auto& which) { return which.param.name; });

TEST(conformance_suite, names_each_broker_once) {
    ASSERT_FALSE(brokers().empty()) << "no broker is registered";
    std::vector<std::string> seen;
    for (const broker_factory& one : brokers()) {
        EXPECT_EQ(std::count(seen.begin(), seen.end(), one.name), 0) << one.name;
        EXPECT_TRUE(one.open) << one.name;
        seen.push_back(one.name);
    }
}

} // namespace corvid::conformance
