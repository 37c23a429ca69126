// SPDX-License-Identifier: Apache-2.0
#include <corvid/model/headers.hpp>
#include <corvid/model/outcome.hpp>
#include <corvid/model/record.hpp>

#include <gtest/gtest.h>

namespace corvid {
namespace {

TEST(topic_name, the_rule_takes_two_to_six_segments_and_nothing_else) {
    for (const char* good : {"air.planes", "air.flight.reported", "a.b.c.d.e.f", "a-1.b-2"})
        EXPECT_TRUE(is_topic(good)) << good;
    for (const char* bad :
         {"", "air", "Air.planes", "a..b", ".a.b", "a.b.", "a.b.c.d.e.f.g", "a_b.c", "a b.c"})
        EXPECT_FALSE(is_topic(bad)) << bad;
    EXPECT_FALSE(is_topic("a." + std::string(199, 'b')));
    EXPECT_TRUE(is_topic("a." + std::string(198, 'b')));
}

TEST(topic_name, an_unchecked_name_still_meets_kafkas_rule) {
    EXPECT_EQ(topic_name::checked(unchecked("Legacy_Name"))->str(), "Legacy_Name");
    for (std::string_view bad : {"", ".", "..", "a/b", "a b"}) {
        auto answer = topic_name::checked(unchecked(bad));
        ASSERT_FALSE(answer) << bad;
        EXPECT_EQ(answer.error().code(), errc::invalid_name);
    }
    EXPECT_FALSE(is_kafka_topic(std::string(250, 'a')));
}

TEST(optional_bytes, are_made_of_all_that_is_text_and_of_null) {
    const std::string text = "ab";
    const optional_bytes all[] = {text, "ab", std::string_view(text), as_bytes(text)};
    for (const optional_bytes bytes : all)
        EXPECT_EQ(bytes.text(), "ab");
    EXPECT_TRUE(optional_bytes(std::string()).has_value()) << "empty is not null";
    EXPECT_FALSE(optional_bytes(nullptr).has_value());
}

TEST(headers, the_last_of_a_repeated_name_counts_and_null_is_not_empty) {
    headers h;
    h.add("a", "1").add("b", "").add("a", "2").add_null("c");
    EXPECT_EQ(h.find("a"), "2");
    EXPECT_EQ(h.find("b"), "");
    EXPECT_EQ(h.find("c"), std::nullopt);
    const auto views = h.view();
    EXPECT_EQ(find_header(views, "a"), "2");
    EXPECT_FALSE(views[3].value.has_value());
    EXPECT_TRUE(views[1].value.has_value());
    EXPECT_EQ(headers(views), h);
    EXPECT_EQ(h.remove("a").size(), 2u);
}

outcome of(const auto& thrown) {
    try {
        throw thrown;
    } catch (...) {
        return outcome_of_current_exception();
    }
}

TEST(outcome, an_exception_is_a_retry_unless_it_says_otherwise) {
    EXPECT_EQ(of(std::runtime_error("x")), verdict::retry);
    EXPECT_EQ(of(7), verdict::retry);
    EXPECT_EQ(of(rejected("x")), verdict::dead_letter);
    EXPECT_EQ(of(fatal("x")), verdict::stop);
    EXPECT_EQ(of(fatal("broken")).why()->message(), "broken");
    EXPECT_EQ(outcome(dead_letter), verdict::dead_letter);
    EXPECT_EQ(retry(error(errc::timed_out)).why()->code(), errc::timed_out);
}

} // namespace
} // namespace corvid
