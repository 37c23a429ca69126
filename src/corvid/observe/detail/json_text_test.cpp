// SPDX-License-Identifier: Apache-2.0
#include <corvid/observe/detail/json_text.hpp>

#include <gtest/gtest.h>

namespace corvid::detail {
namespace {

std::string clean(std::string_view text, std::size_t limit = std::string_view::npos) {
    std::string out;
    append_clean(out, text, limit);
    return out;
}

std::string json(std::string_view text) {
    std::string out;
    append_json(out, text);
    return out;
}

TEST(clean_text, ordinary_text_in_any_script_is_untouched) {
    for (const char* text : {"", "plain", "Zürich 東京 🛩", "a\\b\"c"})
        EXPECT_EQ(clean(text), text);
}

TEST(clean_text, a_line_break_cannot_begin_a_forged_line) { EXPECT_EQ(clean("a\r\nb\tc"), "a  b c"); }

TEST(clean_text, escape_sequences_vanish_as_a_whole) {
    EXPECT_EQ(clean("\x1b[31mred\x1b[0m"), "red");
    EXPECT_EQ(clean("\x1b]0;title\x07x"), "x");
    EXPECT_EQ(clean("\x1b]0;title\x1b\\x"), "x");
    EXPECT_EQ(clean("\x1b(Bx\x1b"), "Bx");
    EXPECT_EQ(clean("\x1b[12"), "");
    EXPECT_EQ(clean("a\xc2\x9b"
                    "31mb"),
              "a31mb");
}

TEST(clean_text, control_characters_and_direction_marks_vanish) {
    EXPECT_EQ(clean(std::string_view("a\0b\x07\x7f", 5)), "ab");
    EXPECT_EQ(clean("user\u202enimda\u2066x\u200f"), "usernimdax");
}

TEST(clean_text, bytes_that_are_not_utf8_are_replaced) {
    EXPECT_EQ(clean("\xff"
                    "a\xc3"),
              "\ufffd"
              "a\ufffd");
    EXPECT_EQ(clean("\xc0\x80"), "\ufffd\ufffd");
    EXPECT_EQ(clean("\xed\xa0\x80"), "\ufffd\ufffd\ufffd");
    EXPECT_EQ(clean("\xe0\x80\x80"), "\ufffd\ufffd\ufffd");
}

TEST(clean_text, long_text_is_cut_between_characters_and_says_so) {
    EXPECT_EQ(clean("abcdef", 4), "abcd…(+2 bytes)");
    EXPECT_EQ(clean("aü", 2), "a…(+2 bytes)");
    EXPECT_EQ(clean("abcd", 4), "abcd");
}

TEST(json_text, quotes_and_backslashes_are_escaped) { EXPECT_EQ(json("a\"b\\c\n"), R"("a\"b\\c ")"); }

} // namespace
} // namespace corvid::detail
