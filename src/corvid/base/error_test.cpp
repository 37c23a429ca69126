// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/error.hpp>
#include <corvid/base/result.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

namespace corvid {
namespace {

using testing::HasSubstr;

static_assert(sizeof(error) == sizeof(void*));
static_assert(std::is_nothrow_move_constructible_v<error> && std::is_nothrow_move_assignable_v<error>);
static_assert(std::is_nothrow_copy_constructible_v<error>);

TEST(error_table, every_row_has_a_unique_name_a_summary_and_a_remedy) {
    std::set<std::string_view> names;
    for (const error_code_info& row : error_codes()) {
        EXPECT_TRUE(names.insert(row.name).second) << row.name;
        EXPECT_FALSE(row.summary.empty()) << row.name;
        EXPECT_FALSE(row.remedy.empty()) << row.name;
        EXPECT_EQ(info_of(row.code).name, row.name);
    }
    EXPECT_GT(names.size(), 40U);
}

TEST(error, what_is_left_empty_is_answered_from_the_table) {
    for (const error_code_info& row : error_codes()) {
        const error bare(row.code);
        EXPECT_EQ(bare.kind(), row.kind);
        EXPECT_EQ(bare.message(), row.summary);
        EXPECT_EQ(bare.hint(), row.remedy);
        EXPECT_EQ(bare, row.code);
        EXPECT_THAT(bare.describe(), HasSubstr(to_string(row.code)));
    }
}

error full_error() {
    return error(errc::message_too_large, {.message = "2097152 bytes",
                                           .hint = "send less",
                                           .operation = "send",
                                           .topic = "air.flight.departed",
                                           .partition = 3,
                                           .offset = 17,
                                           .kind = error_kind::fatal,
                                           .native_code = 10,
                                           .sqlstate = "40001"});
}

TEST(error, given_details_win_over_the_table) {
    const error e = full_error();
    EXPECT_EQ(e.kind(), error_kind::fatal);
    EXPECT_EQ(e.message(), "2097152 bytes");
    EXPECT_EQ(e.hint(), "send less");
    EXPECT_EQ(e.operation(), "send");
    EXPECT_EQ(e.topic(), "air.flight.departed");
    EXPECT_EQ(e.partition(), 3);
    EXPECT_EQ(e.offset(), 17);
    EXPECT_EQ(e.native_code(), 10);
    EXPECT_EQ(e.sqlstate(), "40001");
    EXPECT_EQ(e.cause(), nullptr);
}

TEST(error, a_description_names_code_kind_subject_remedy_and_cause) {
    const error outer = caused_by(errc::commit_failed, {.operation = "commit"}, full_error());
    EXPECT_EQ(outer.describe(),
              "CVD-5001 retriable: commit: offsets were not committed; remedy: nothing: the next commit "
              "carries them; "
              "cause: CVD-4004 fatal: send air.flight.departed[3]@17: 2097152 bytes; remedy: send less; "
              "native code 10; SQLSTATE 40001");
    ASSERT_NE(outer.cause(), nullptr);
    EXPECT_EQ(outer.cause()->code(), errc::message_too_large);
}

TEST(error, copies_share_details_that_outlive_the_original) {
    auto original = std::make_unique<error>(full_error());
    const error copy = *original;
    const error_details* shared = &original->details();
    original.reset();
    EXPECT_EQ(&copy.details(), shared);
    EXPECT_EQ(copy.topic(), "air.flight.departed");
}

TEST(error, assignment_replaces_also_by_itself) {
    error a = full_error();
    const error b(errc::stopped);
    a = b;
    EXPECT_EQ(a, errc::stopped);
    const error& same = a;
    a = same;
    EXPECT_EQ(a, errc::stopped);
}

TEST(error, copies_may_be_made_and_dropped_on_many_threads) {
    const error shared = full_error();
    {
        std::vector<std::jthread> threads;
        for (int t = 0; t < 4; ++t)
            threads.emplace_back([shared] {
                for (int i = 0; i < 1000; ++i) {
                    error mine = shared;
                    const error moved = std::move(mine);
                    ASSERT_EQ(moved.offset(), 17);
                }
            });
    }
    EXPECT_EQ(shared.code(), errc::message_too_large);
}

TEST(result, fail_makes_a_result_without_a_value) {
    const result<int> failed = fail(errc::unknown_topic, {.topic = "air.x"});
    ASSERT_FALSE(failed.has_value());
    EXPECT_EQ(failed.error().topic(), "air.x");
    const result<std::string> passed_on = fail(failed.error());
    EXPECT_EQ(passed_on.error(), errc::unknown_topic);
}

TEST(config_error, tells_the_whole_description_and_keeps_the_error) {
    const config_error thrown(full_error());
    EXPECT_EQ(thrown.what(), full_error().describe());
    EXPECT_EQ(thrown.why().code(), errc::message_too_large);
}

} // namespace
} // namespace corvid
