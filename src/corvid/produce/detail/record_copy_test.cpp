// SPDX-License-Identifier: Apache-2.0
#include <corvid/produce/detail/record_copy.hpp>

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace corvid::detail {
namespace {

TEST(record_copy, owns_all_bytes_of_a_record_also_after_a_move) {
    std::string key = "key", value = "value", name = "header", content = "content";
    header_list headers{{std::string_view(name), std::string_view(content)}, {"null", nullptr}};
    broker::outgoing record{
        .key = std::string_view(key), .value = std::string_view(value), .headers = headers};
    record_copy first(record);
    for (std::string* each : {&key, &value, &name, &content})
        each->assign(each->size(), '?');
    headers.clear();
    const record_copy second = std::move(first);
    EXPECT_EQ(record.key.text(), "key");
    EXPECT_EQ(record.value.text(), "value");
    ASSERT_EQ(record.headers.size(), 2U);
    EXPECT_EQ(record.headers[0].name, "header");
    EXPECT_EQ(record.headers[0].value.text(), "content");
    EXPECT_EQ(record.headers[1].name, "null");
    EXPECT_FALSE(record.headers[1].value);
}

TEST(record_copy, keeps_null_apart_from_empty) {
    broker::outgoing record{.key = nullptr, .value = ""};
    const record_copy copy(record);
    EXPECT_FALSE(record.key);
    ASSERT_TRUE(record.value);
    EXPECT_EQ(record.value.size(), 0U);
}

} // namespace
} // namespace corvid::detail
