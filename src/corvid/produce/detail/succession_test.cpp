// SPDX-License-Identifier: Apache-2.0
#include <corvid/produce/detail/succession.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace corvid::detail {
namespace {

using names = std::vector<std::string>;

broker::outgoing of(std::string_view value) { return {.value = value}; }

names values_of(const std::deque<succession::held>& some) {
    names all;
    for (const auto& each : some)
        all.emplace_back(each.record.value.text());
    return all;
}

bool is_current(const broker::outgoing& record) noexcept { return record.value.text().starts_with('+'); }

TEST(succession_test, what_a_sink_left_goes_first_and_what_comes_meanwhile_behind_it) {
    succession one(&is_current);
    one.begin();
    EXPECT_TRUE(one.hold(of("sent meanwhile")));
    EXPECT_TRUE(one.inherit(of("left 1")));
    EXPECT_TRUE(one.hold(of("sent later")));
    EXPECT_TRUE(one.inherit(of("left 2")));
    EXPECT_EQ(values_of(one.take()), (names{"left 1", "left 2", "sent meanwhile", "sent later"}));
}

TEST(succession_test, it_keeps_copies) {
    succession one(&is_current);
    one.begin();
    std::string value = "a record";
    const std::string name = "n";
    const std::vector<header_view> headers{{.name = name, .value = std::string_view("v")}};
    EXPECT_TRUE(one.hold({.key = std::string_view("k"), .value = value, .headers = headers}));
    value = "reused";
    const auto all = one.take();
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].record.key.text(), "k");
    EXPECT_EQ(all[0].record.value.text(), "a record");
    EXPECT_NE(all[0].record.headers.data(), headers.data());
    EXPECT_EQ(all[0].record.headers[0].name, "n");
}

TEST(succession_test, it_is_over_when_nothing_is_left_to_take) {
    succession one(&is_current);
    EXPECT_FALSE(one.is_open());
    one.begin();
    EXPECT_TRUE(one.is_open());
    EXPECT_TRUE(one.hold(of("a")));
    EXPECT_EQ(one.take().size(), 1U);
    EXPECT_TRUE(one.is_open()) << "what was taken is still on its way";
    EXPECT_TRUE(one.hold(of("b")));
    EXPECT_EQ(values_of(one.take()), names{"b"});
    EXPECT_TRUE(one.take().empty());
    EXPECT_FALSE(one.is_open());
    EXPECT_FALSE(one.hold(of("too late")));
}

TEST(succession_test, a_record_that_a_sink_in_use_has_refused_opens_it) {
    succession one(&is_current);
    EXPECT_FALSE(one.hold(of("of a sink that was replaced")));
    EXPECT_FALSE(one.is_open());
    EXPECT_TRUE(one.hold(of("+refused")));
    EXPECT_TRUE(one.is_open());
    one.begin();
    EXPECT_TRUE(one.inherit(of("left")));
    EXPECT_EQ(values_of(one.take()), (names{"left", "+refused"}));
}

TEST(succession_test, nothing_is_inherited_behind_what_was_taken) {
    succession one(&is_current);
    EXPECT_FALSE(one.inherit(of("of nobody")));
    one.begin();
    EXPECT_TRUE(one.hold(of("a")));
    EXPECT_EQ(one.take().size(), 1U);
    EXPECT_FALSE(one.inherit(of("before a, and late")));
    one.begin(); // the successor broke, too
    EXPECT_TRUE(one.inherit(of("a")));
}

TEST(succession_test, what_a_successor_did_not_take_is_put_before_what_came_since) {
    succession one(&is_current);
    one.begin();
    for (const auto* each : {"a", "b", "c"})
        EXPECT_TRUE(one.hold(of(each)));
    auto some = one.take();
    some.pop_front();
    EXPECT_TRUE(one.hold(of("d")));
    EXPECT_TRUE(one.put_back(some));
    EXPECT_TRUE(some.empty());
    one.begin();
    EXPECT_TRUE(one.inherit(of("a")));
    EXPECT_EQ(values_of(one.take()), (names{"a", "b", "c", "d"}));
}

TEST(succession_test, one_that_is_shut_gives_all_back_and_takes_nothing_more) {
    succession one(&is_current);
    one.begin();
    EXPECT_TRUE(one.hold(of("a")));
    auto some = one.take();
    EXPECT_TRUE(one.hold(of("b")));
    EXPECT_EQ(values_of(one.shut()), names{"b"});
    EXPECT_FALSE(one.put_back(some));
    EXPECT_EQ(values_of(some), names{"a"});
    one.begin();
    EXPECT_FALSE(one.is_open());
    EXPECT_FALSE(one.hold(of("+c")));
    EXPECT_FALSE(one.inherit(of("c")));
}

} // namespace
} // namespace corvid::detail
