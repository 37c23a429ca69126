// SPDX-License-Identifier: Apache-2.0
//
// What must not get in, as a value and inside of what is ignored.
#include <corvid/serde/json/json.hpp>
#include <corvid/serde/json/test_messages.hpp>

#include <gmock/gmock.h>

#include <array>

namespace {

using corvid::errc;
namespace json = corvid::json;

errc reading(std::string_view text) {
    const auto read = json::decode<air::everything>(text);
    return read ? errc{} : read.error().code();
}

std::string repeated(std::string_view what, int times) {
    std::string all;
    for (int i = 0; i < times; ++i)
        all += what;
    return all;
}

constexpr auto not_json = std::to_array<std::string_view>({"",
                                                           " ",
                                                           "{",
                                                           "}",
                                                           "{]",
                                                           "{\"text\"}",
                                                           "{\"text\":}",
                                                           "{\"text\":\"a\",}",
                                                           "{,}",
                                                           "{\"text\" \"a\"}",
                                                           "{\"text\":\"a\"\"tiny\":1}",
                                                           "{\"text\":\"a\" \"tiny\":1}",
                                                           "{\"text\":\"a\":1}",
                                                           "{text:1}",
                                                           "{'text':\"a\"}",
                                                           "{\"text\":\"a\"",
                                                           "{\"text\":\"a",
                                                           "{\"text\":\"a\"}}",
                                                           "{\"text\":\"a\"}x",
                                                           "{\"text\":\"a\"}{}",
                                                           "{\"text\":\"a\"} 1",
                                                           "{\"text\":\"a\"x}",
                                                           "{\"text\":\"a\nb\"}",
                                                           "{\"text\":\"\\x\"}",
                                                           "{\"text\":\"\\\"}",
                                                           "{\"text\":\"\\u12g4\"}",
                                                           "{\"text\":\"\\u12\"}",
                                                           "{\"te\\xxt\":1}",
                                                           "{\"flag\":tru}",
                                                           "{\"flag\":truex}",
                                                           "{\"flag\":TRUE}",
                                                           "{\"holes\":[1,]}",
                                                           "{\"legs\":[,]}",
                                                           "{\"bits\":[true true]}",
                                                           "{\"bits\":[true,]}",
                                                           "{\"bits\":[true}",
                                                           "{\"tree\":{\"value\":1}",
                                                           "{\"tree\":{\"value\":1]}",
                                                           "\xef\xbb\xbf{}",
                                                           "/**/{}",
                                                           "nonsense",
                                                           "{\"text\":\"a\"\0}",
                                                           "{1:2}",
                                                           "{\"a\":1 2}"});

TEST(json_rejects, what_is_not_json) {
    for (std::string_view bad : not_json)
        EXPECT_EQ(reading(bad), errc::malformed_payload) << bad;
}

constexpr auto not_json_values = std::to_array<std::string_view>({"nul",
                                                                  "tru",
                                                                  "fals",
                                                                  "nulll",
                                                                  "truex",
                                                                  "01",
                                                                  "-",
                                                                  "+1",
                                                                  "1.",
                                                                  ".5",
                                                                  "1e",
                                                                  "1e+",
                                                                  "0x10",
                                                                  "1.5.2",
                                                                  "NaN",
                                                                  "Infinity",
                                                                  "-Infinity",
                                                                  "[1,]",
                                                                  "[,1]",
                                                                  "[1 2]",
                                                                  "{\"a\"}",
                                                                  "{\"a\":}",
                                                                  "{\"a\":1,}",
                                                                  "{1:2}",
                                                                  "{\"a\" 1}",
                                                                  "[1}",
                                                                  "{\"a\":1]",
                                                                  "\"\\x\"",
                                                                  "\"\\ud800\"",
                                                                  "\"\\udc00\"",
                                                                  "\"\\ud800\\u0041\"",
                                                                  "\"\\u12\"",
                                                                  "\"a\":1",
                                                                  "1:1",
                                                                  "[\"a\":1]",
                                                                  "",
                                                                  "{\"\\ud800\":1}",
                                                                  "{\"a\":{\"b\":[{\"c\":tru}]}}",
                                                                  "garbage",
                                                                  "'a'"});

TEST(json_rejects, the_same_inside_of_what_is_ignored) {
    for (std::string_view bad : not_json_values) {
        const std::string text = "{\"zzz\":" + std::string(bad) + "}";
        EXPECT_EQ(reading(text), errc::malformed_payload) << text;
        const std::string deeper = "{\"text\":\"\",\"zzz\":[{\"y\":" + std::string(bad) + "}]}";
        EXPECT_EQ(reading(deeper), errc::malformed_payload) << deeper;
    }
}

TEST(json_rejects, numbers_that_no_double_holds_even_where_they_are_ignored) {
    EXPECT_EQ(reading("{\"zzz\":1e999999}"), errc::out_of_range);
    EXPECT_EQ(reading("{\"zzz\":[[-1e400]]}"), errc::out_of_range);
    EXPECT_EQ(reading("{\"zzz\":" + std::string(1 << 20, '9') + "}"), errc::out_of_range);
    EXPECT_EQ(reading("{\"real\":1e999999}"), errc::out_of_range);
    EXPECT_EQ(reading("{\"real\":" + std::string(1 << 20, '9') + "}"), errc::out_of_range);
}

TEST(json_rejects, numbers_of_the_wrong_kind_or_size) {
    EXPECT_EQ(reading("{\"wide\":9223372036854775808}"), errc::out_of_range);
    EXPECT_EQ(reading("{\"wide\":18446744073709551617}"), errc::out_of_range);
    EXPECT_EQ(reading("{\"unsigned_wide\":18446744073709551616}"), errc::out_of_range);
    EXPECT_EQ(reading("{\"unsigned_wide\":18446744073709551617}"), errc::out_of_range);
    EXPECT_EQ(reading("{\"unsigned_wide\":-1}"), errc::out_of_range);
    EXPECT_EQ(reading("{\"tiny\":128}"), errc::out_of_range);
    EXPECT_EQ(reading("{\"byte\":256}"), errc::out_of_range);
    EXPECT_EQ(reading("{\"single\":1e39}"), errc::out_of_range);
    EXPECT_EQ(reading("{\"price\":\"1.001\"}"), errc::out_of_range);
    for (std::string_view bad : {"1.0", "1e2", "-0.5", "\"1\"", "true", "[1]", "{}"})
        EXPECT_EQ(reading("{\"wide\":" + std::string(bad) + "}"), errc::wrong_type) << bad;
    for (std::string_view bad : {"01", "1x", "--1", "1.", "00", "-", "1e5x", "- 1", "1_000"})
        for (std::string_view member : {"wide", "real", "price", "byte"})
            EXPECT_EQ(reading("{\"" + std::string(member) + "\":" + std::string(bad) + "}"),
                      errc::malformed_payload)
                << member << bad;
}

TEST(json_rejects, texts_that_are_no_text) {
    for (std::string_view bad : {"\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80"}) {
        EXPECT_EQ(reading("{\"text\":\"" + std::string(bad) + "\"}"), errc::malformed_payload);
        EXPECT_EQ(reading("{\"zzz\":[\"" + std::string(bad) + "\"]}"), errc::malformed_payload);
        EXPECT_EQ(reading("{\"" + std::string(bad) + "\":1}"), errc::malformed_payload);
    }
    for (std::string_view bad :
         {"\\ud800", "\\udc00", "\\ud800x", "\\ud800\\n", "\\ud800\\ud800", "\\udfff\\ud800"})
        EXPECT_EQ(reading("{\"text\":\"" + std::string(bad) + "\"}"), errc::malformed_payload) << bad;
}

TEST(json_rejects, texts_that_are_not_what_their_member_says) {
    for (std::string_view bad : {"\"at\":\"yesterday\"", "\"day\":\"2013-02-30\"", "\"id\":\"1234\"",
                                 "\"raw\":\"A\"", "\"price\":\"x\"", "\"at\":5", "\"triple\":[1,2]",
                                 "\"triple\":[1,2,3,4]", "\"took\":1.5", "\"tree\":[]", "\"maybe\":[]"})
        EXPECT_EQ(reading("{" + std::string(bad) + "}"), errc::wrong_type) << bad;
    EXPECT_EQ(reading("{\"state\":\"late\"}"), errc::unknown_enumerator);
}

TEST(json_rejects, members_that_stand_twice) {
    EXPECT_EQ(reading("{\"text\":\"a\",\"text\":\"a\"}"), errc::malformed_payload);
    EXPECT_EQ(reading("{\"text\":\"a\",\"zzz\":1,\"te\\u0078t\":\"a\"}"), errc::malformed_payload);
    EXPECT_EQ(reading("{\"sorted\":{\"a\":1,\"b\":2,\"a\":3}}"), errc::malformed_payload);
    EXPECT_EQ(reading("{\"flag\":true,\"tiny\":1,\"flag\":true}"), errc::malformed_payload);
}

TEST(json_rejects, more_than_64_levels_read_or_ignored) {
    const auto ignored = [](int levels) {
        return "{\"zzz\":" + std::string(static_cast<std::size_t>(levels - 1), '[') +
               std::string(static_cast<std::size_t>(levels - 1), ']') + "}";
    };
    EXPECT_EQ(reading(ignored(64)), errc{});
    EXPECT_EQ(reading(ignored(65)), errc::too_deep);
    EXPECT_EQ(reading(ignored(100'001)), errc::too_deep);
    const auto tree = [](int levels) { // each child is an array and an object
        return "{\"tree\":" + repeated("{\"value\":1,\"children\":[", levels) + repeated("]}", levels) + "}";
    };
    EXPECT_EQ(reading(tree(31)), errc{});
    EXPECT_EQ(reading(tree(32)), errc::too_deep);
    EXPECT_EQ(reading("{\"zzz\":" + std::string(1'000'000, '[')), errc::too_deep);
    EXPECT_EQ(reading("{\"zzz\":" + repeated("{\"a\":", 100'000) + "1" + std::string(100'000, '}') + "}"),
              errc::too_deep);
    EXPECT_EQ(reading(repeated("{\"a\":", 1'000'000)), errc::too_deep);
}

TEST(json_rejects, every_prefix_of_a_document_and_reads_on_afterwards) {
    air::everything e;
    e.text = "a\"é\n";
    e.legs = {{"A", "B", 1}};
    e.payment = air::card{"1"};
    corvid::byte_buffer whole;
    ASSERT_TRUE(json::encode(e, whole));
    for (std::size_t size = 0; size < whole.size(); ++size)
        EXPECT_EQ(reading(whole.text().substr(0, size)), errc::malformed_payload) << size;
    EXPECT_EQ(reading(whole.text()), errc{});
}

} // namespace
