// SPDX-License-Identifier: Apache-2.0
#include <corvid/serde/byte_buffer.hpp>

#include <gtest/gtest.h>

#include <string>

namespace {

TEST(byte_buffer, keeps_what_was_appended_while_it_grows) {
    corvid::byte_buffer to;
    std::string expected;
    for (int i = 0; i < 1000; ++i) {
        to.append(std::to_string(i));
        to.append(',');
        expected += std::to_string(i) + ",";
    }
    EXPECT_EQ(to.text(), expected);
}

TEST(byte_buffer, reuses_its_memory_after_clear) {
    corvid::byte_buffer to;
    to.append(std::string(10'000, 'x'));
    const std::size_t capacity = to.capacity();
    to.clear();
    EXPECT_EQ(to.size(), 0U);
    to.append(std::string(10'000, 'y'));
    EXPECT_EQ(to.capacity(), capacity);
}

TEST(byte_buffer, truncate_takes_back_and_never_adds) {
    corvid::byte_buffer to;
    to.append("abc");
    to.truncate(5);
    EXPECT_EQ(to.text(), "abc");
    to.truncate(1);
    EXPECT_EQ(to.text(), "a");
}

TEST(byte_buffer, a_moved_from_one_is_empty_and_usable) {
    corvid::byte_buffer from;
    from.append("abc");
    corvid::byte_buffer to(std::move(from));
    EXPECT_EQ(to.text(), "abc");
    from.append("d"); // NOLINT(bugprone-use-after-move): that it may be used is what is tested
    EXPECT_EQ(from.text(), "d");
    to = std::move(from);
    EXPECT_EQ(to.text(), "d");
}

} // namespace
