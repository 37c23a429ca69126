// SPDX-License-Identifier: Apache-2.0
#include <corvid/service/detail/setting_text.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace corvid::detail {
namespace {

using namespace std::chrono_literals;

TEST(setting_text, durations_have_a_unit) {
    EXPECT_EQ(parse_duration("200ms"), 200ms);
    EXPECT_EQ(parse_duration("5s"), 5s);
    EXPECT_EQ(parse_duration("20m"), 20min);
    EXPECT_EQ(parse_duration("12 h"), 12h);
    EXPECT_EQ(parse_duration("7d"), 168h);
    EXPECT_EQ(parse_duration("0"), 0ms);
    for (const char* text : {"", "5", "s", "-1s", "+1s", "1.5s", "5 parsecs", "5s ", " 5s", "99999999999999d",
                             "18446744073709551616ms"})
        EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(setting_text, sizes_are_bytes_or_have_a_unit) {
    EXPECT_EQ(parse_size("1024"), 1024U);
    EXPECT_EQ(parse_size("512KiB"), 524'288U);
    EXPECT_EQ(parse_size("16MiB"), 16'777'216U);
    EXPECT_EQ(parse_size("1 GB"), 1'000'000'000U);
    EXPECT_EQ(parse_size("500kB"), 500'000U);
    for (const char* text : {"", "MiB", "-1", "1.5MiB", "16mib", "99999999999GiB"})
        EXPECT_FALSE(parse_size(text)) << text;
}

TEST(setting_text, what_is_written_is_read_again) {
    for (const auto time : {0ms, 1ms, 200ms, 5000ms, 90'000ms, 7'200'000ms, 604'800'000ms})
        EXPECT_EQ(parse_duration(duration_text(time)), time) << duration_text(time);
    for (const std::uint64_t size : {0ULL, 1ULL, 1000ULL, 1024ULL, 1'000'000ULL, 1ULL << 34U})
        EXPECT_EQ(parse_size(size_text(size)), size) << size_text(size);
    EXPECT_EQ(duration_text(604'800'000ms), "7d");
    EXPECT_EQ(size_text(16'777'216), "16MiB");
}

TEST(expand, variables_defaults_and_plain_text_are_put_together) {
    const std::map<std::string, std::string, std::less<>> variables = {{"USER", "me"}, {"EMPTY", ""}};
    EXPECT_EQ(expand("a ${USER}@${HOST:db}:${PORT:54:32} ${EMPTY}$ $x", variables), "a me@db:54:32 $ $x");
    EXPECT_EQ(expand("${X:}", variables), "");
    EXPECT_EQ(expand("$${USER} $$${USER}", variables), "${USER} $${USER}");
}

TEST(expand, what_a_variable_holds_is_not_looked_at_again) {
    EXPECT_EQ(expand("${A}", {{"A", "${B}"}, {"B", "x"}}), "${B}");
}

TEST(expand, what_cannot_be_resolved_is_refused_with_its_name) {
    const auto unset = expand("${SECRET}", {});
    ASSERT_FALSE(unset);
    EXPECT_EQ(unset.error(), errc::secret_unreadable);
    EXPECT_EQ(unset.error().message(), "the variable SECRET is not set");
    for (const char* text : {"${", "${}", "${1A}", "${A B}", "x${A"}) {
        const auto wrong = expand(text, {});
        ASSERT_FALSE(wrong) << text;
        EXPECT_EQ(wrong.error(), errc::invalid_setting) << text;
    }
}

class secret_file : public testing::Test {
public:
    void write(std::string_view text, std::filesystem::perms permissions) {
        std::ofstream(path, std::ios::binary) << text;
        std::filesystem::permissions(path, permissions);
    }
    void TearDown() override { std::filesystem::remove(path); }

    std::string path =
        testing::TempDir() + "corvid_secret_" + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::perms own = std::filesystem::perms::owner_read | std::filesystem::perms::owner_write;
};

TEST_F(secret_file, its_text_comes_without_the_last_line_break) {
    write("canary\n", own);
    EXPECT_EQ(expand("<${file:" + path + "}>", {}), "<canary>");
    write("", own);
    EXPECT_EQ(read_secret_file(path), "");
}

TEST_F(secret_file, one_that_everybody_may_read_is_refused) {
    write("canary", own | std::filesystem::perms::others_read);
    const auto text = read_secret_file(path);
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error(), errc::secret_unreadable);
    EXPECT_EQ(text.error().describe().find("canary"), std::string::npos);
}

TEST_F(secret_file, what_is_missing_a_folder_or_too_large_is_refused) {
    EXPECT_FALSE(read_secret_file(path));
    EXPECT_FALSE(read_secret_file("/"));
    EXPECT_FALSE(read_secret_file("/dev/zero"));
    write(std::string(65'537, 'x'), own);
    EXPECT_FALSE(read_secret_file(path));
    write(std::string(65'536, 'x'), own);
    EXPECT_TRUE(read_secret_file(path));
}

TEST(edit_distance, counts_insertions_deletions_replacements_and_swaps) {
    EXPECT_EQ(edit_distance("", "abc"), 3U);
    EXPECT_EQ(edit_distance("abc", "abc"), 0U);
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
    EXPECT_EQ(edit_distance("lisetn", "listen"), 1U);
}

TEST(nearest, is_the_candidate_with_the_least_distance) {
    const std::vector<std::string> names = {"kafka.bootstrap", "kafka.offset_reset", "http.listen"};
    EXPECT_EQ(nearest("kafka.ofset_rest", names), "kafka.offset_reset");
    EXPECT_EQ(nearest("x", {}), "");
}

} // namespace
} // namespace corvid::detail
