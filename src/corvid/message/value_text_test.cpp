// SPDX-License-Identifier: Apache-2.0
#include <corvid/message/value_text.hpp>

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace {

namespace text = corvid::value_text;

std::optional<text::instant> instant_of(std::string_view from) {
    text::instant to;
    return text::read_instant(from, to) ? std::optional(to) : std::nullopt;
}

TEST(value_text, reads_every_form_of_rfc_3339) {
    EXPECT_EQ(instant_of("1970-01-01T00:00:00Z"), (text::instant{0, 0}));
    EXPECT_EQ(instant_of("2013-01-01T05:15:00-05:00"), (text::instant{1'357'035'300, 0}));
    EXPECT_EQ(instant_of("2013-01-01 10:15:00z"), (text::instant{1'357'035'300, 0}));
    EXPECT_EQ(instant_of("2013-01-01t10:15:00.25+00:00"), (text::instant{1'357'035'300, 250'000'000}));
    EXPECT_EQ(instant_of("1969-12-31T23:59:59.999999999Z"), (text::instant{-1, 999'999'999}));
    EXPECT_EQ(instant_of("0000-01-01T00:00:00Z"), (text::instant{-62'167'219'200, 0}));
    EXPECT_EQ(instant_of("9999-12-31T23:59:59Z"), (text::instant{253'402'300'799, 0}));
}

TEST(value_text, refuses_what_is_no_instant) {
    for (std::string_view bad :
         {"", "2013", "2013-01-01", "2013-01-01T05:15:00", "2013-1-01T05:15:00Z", "2013-02-30T00:00:00Z",
          "2013-01-01T24:00:00Z", "2013-01-01T00:60:00Z", "2013-12-31T23:59:60Z", "2013-01-01T00:00:00.Z",
          "2013-01-01T00:00:00.1234567891Z", "2013-01-01T00:00:00+24:00", "2013-01-01T00:00:00+0100",
          "2013-01-01T00:00:00Zx", " 2013-01-01T00:00:00Z", "2013-01-01T00:00:00+01:60",
          "+013-01-01T00:00:00Z"})
        EXPECT_EQ(instant_of(bad), std::nullopt) << bad;
}

TEST(value_text, instants_come_back_as_they_were) {
    const unsigned seed = std::random_device{}();
    std::mt19937_64 random(seed);
    std::uniform_int_distribution<std::int64_t> seconds(-62'167'219'200, 253'402'300'799);
    std::uniform_int_distribution<std::int32_t> nanoseconds(0, 999'999'999);
    for (int i = 0; i < 10'000; ++i) {
        const text::instant value{seconds(random), nanoseconds(random)};
        std::string written;
        ASSERT_TRUE(text::append_instant(written, value, 9));
        ASSERT_EQ(instant_of(written), value) << written << " seed " << seed;
    }
}

TEST(value_text, instants_outside_four_digit_years_are_not_written) {
    std::string written;
    EXPECT_FALSE(text::append_instant(written, {-62'167'219'201, 0}, 0));
    EXPECT_FALSE(text::append_instant(written, {253'402'300'800, 0}, 0));
    EXPECT_FALSE(text::append_instant(written, {std::numeric_limits<std::int64_t>::max(), 0}, 0));
    EXPECT_TRUE(text::append_instant(written, {253'402'300'799, 987'654'321}, 3));
    EXPECT_EQ(written, "9999-12-31T23:59:59.987Z");
}

TEST(value_text, dates_must_exist) {
    std::chrono::year_month_day date{};
    EXPECT_TRUE(text::read_date("2012-02-29", date));
    EXPECT_EQ(date, std::chrono::year_month_day(std::chrono::year(2012) / 2 / 29));
    for (std::string_view bad :
         {"2013-02-29", "2013-00-01", "2013-13-01", "2013-01-32", "13-01-01", "2013-01-01Z", ""})
        EXPECT_FALSE(text::read_date(bad, date)) << bad;
    std::string written;
    EXPECT_FALSE(text::append_date(written, std::chrono::year(2013) / 2 / 29));
    EXPECT_TRUE(text::append_date(written, std::chrono::year(33) / 4 / 3));
    EXPECT_EQ(written, "0033-04-03");
}

TEST(value_text, base64_comes_back_as_it_was) {
    const unsigned seed = std::random_device{}();
    std::mt19937 random(seed);
    for (std::size_t size = 0; size < 200; ++size) {
        std::vector<std::byte> bytes(size), back;
        for (auto& b : bytes)
            b = static_cast<std::byte>(random());
        std::string written;
        text::append_base64(written, bytes);
        ASSERT_EQ(written.size(), (size + 2) / 3 * 4);
        ASSERT_TRUE(text::read_base64(written, back));
        ASSERT_EQ(back, bytes) << "seed " << seed;
    }
    std::string foobar;
    text::append_base64(foobar, std::as_bytes(std::span(std::string_view("fooba"))));
    EXPECT_EQ(foobar, "Zm9vYmE=");
}

TEST(value_text, base64_is_strict) {
    std::vector<std::byte> to;
    for (std::string_view bad :
         {"A", "AA", "AAA", "A===", "AA=A", "AB==", "AAB=", "AA A", "AAA\n", "====", "AAAA=", "AA-_"})
        EXPECT_FALSE(text::read_base64(bad, to)) << bad;
}

TEST(value_text, decimals_are_exact) {
    const auto read = [](std::string_view from, int scale) -> std::optional<std::int64_t> {
        std::int64_t to = 0;
        return text::read_decimal(from, scale, to) == text::decimal_reading::ok ? std::optional(to)
                                                                                : std::nullopt;
    };
    EXPECT_EQ(read("12.5", 2), 1250);
    EXPECT_EQ(read("-0.01", 2), -1);
    EXPECT_EQ(read("7", 0), 7);
    EXPECT_EQ(read("7.000", 1), 70);
    EXPECT_EQ(read("92233720368547758.07", 2), std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(read("-92233720368547758.08", 2), std::numeric_limits<std::int64_t>::min());
    for (std::string_view bad : {"", "-", ".5", "5.", "1e3", "+1", "1.2.3", "0x1", " 1", "1,5"}) {
        std::int64_t to = 0;
        EXPECT_EQ(text::read_decimal(bad, 2, to), text::decimal_reading::malformed) << bad;
    }
    for (std::string_view wide :
         {"92233720368547758.08", "-92233720368547758.09", "1.001", "99999999999999999999"}) {
        std::int64_t to = 0;
        EXPECT_EQ(text::read_decimal(wide, 2, to), text::decimal_reading::does_not_fit) << wide;
    }
}

TEST(value_text, decimals_come_back_as_they_were) {
    const unsigned seed = std::random_device{}();
    std::mt19937_64 random(seed);
    for (int i = 0; i < 10'000; ++i) {
        const int scale = static_cast<int>(random() % 19);
        const auto units = static_cast<std::int64_t>(random()) >> (random() % 64);
        std::string written;
        text::append_decimal(written, units, scale);
        std::int64_t back = 0;
        ASSERT_EQ(text::read_decimal(written, scale, back), text::decimal_reading::ok)
            << written << " seed " << seed;
        ASSERT_EQ(back, units) << written << " seed " << seed;
    }
    std::string written;
    text::append_decimal(written, -5, 3);
    EXPECT_EQ(written, "-0.005");
}

} // namespace
