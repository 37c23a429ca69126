// SPDX-License-Identifier: Apache-2.0
#include <corvid/model/topic_pattern.hpp>

#include <gtest/gtest.h>

namespace corvid {
namespace {

bool reads(const std::string& pattern, const char* name) {
    return topic_pattern::of(pattern).value().matches(topic_name(name));
}

TEST(topic_pattern, matches_names_as_a_whole_with_anchors_and_without) {
    for (const char* pattern : {"orders\\..*", "^orders\\..*", "^orders\\..*$", "(^orders\\..*)|(^bills)"}) {
        EXPECT_TRUE(reads(pattern, "orders.placed")) << pattern;
        EXPECT_FALSE(reads(pattern, "big-orders.placed")) << pattern;
    }
    EXPECT_FALSE(reads("orders", "orders.placed")) << "not only its beginning";
    EXPECT_TRUE(reads("a.b|a.c.d", "a.c.d")) << "the alternative that is as long as the name";
    EXPECT_TRUE(reads("^shop\\.[a-z]+\\.(placed|paid)$", "shop.order.paid"));
}

TEST(topic_pattern, of_nothing_matches_nothing) { EXPECT_FALSE(topic_pattern().matches(topic_name("a.b"))); }

TEST(topic_pattern, that_is_no_regular_expression_is_refused_and_named) {
    const auto made = topic_pattern::of("orders(");
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code(), errc::invalid_setting);
    EXPECT_NE(made.error().message().find("orders("), std::string::npos);
}

} // namespace
} // namespace corvid
