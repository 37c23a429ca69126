// SPDX-License-Identifier: Apache-2.0
#include "harness.hpp"

namespace corvid::conformance {

using namespace std::chrono_literals;

TEST_P(conformance, a_topic_that_exists_is_not_created_again) {
    const auto admin = under().cluster().open_admin();
    const broker::topic_spec spec{.name = topic_name("conformance.admin.twice")};
    ASSERT_TRUE(admin->create_topic(spec, 10s));
    const auto again = admin->create_topic(spec, 10s);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error(), errc::topic_exists);
}

INSTANTIATE_TEST_SUITE_P(on, conformance, testing::ValuesIn(brokers()),
                         [](const auto& which) { return which.param.name; });

} // namespace corvid::conformance
