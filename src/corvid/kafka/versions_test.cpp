// SPDX-License-Identifier: Apache-2.0
#include <corvid/kafka/versions.hpp>

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>

namespace corvid::kafka {
namespace {

TEST(versions, what_is_older_than_the_floor_is_refused) {
    for (const std::uint32_t old : {0x010902ffU, 0x020000ffU, 0x020001ffU}) {
        const version_report report = judge_version(old);
        EXPECT_EQ(report.verdict, fitness::refused) << report.version;
        EXPECT_FALSE(report.reasons.empty()) << report.version;
    }
}

TEST(versions, the_floor_is_usable_and_its_faults_are_told) {
    const version_report report = judge_version(0x020002ffU);
    EXPECT_EQ(report.version, "2.0.2");
    EXPECT_EQ(report.verdict, fitness::warned);
    EXPECT_TRUE(std::ranges::any_of(report.reasons, [](auto why) { return why.find("#4438") != why.npos; }));
}

TEST(versions, the_recommended_ones_have_nothing_to_tell) {
    for (const std::uint32_t good : {0x020e02ffU, 0x020f00ffU, 0x030000ffU}) {
        const version_report report = judge_version(good);
        EXPECT_EQ(report.verdict, fitness::good) << report.version;
        EXPECT_TRUE(report.reasons.empty()) << report.version;
    }
}

TEST(versions, known_broken_releases_are_refused) {
    for (const std::uint32_t bad : {0x020100ffU, 0x020101ffU, 0x020200ffU, 0x020500ffU, 0x020a00ffU})
        EXPECT_EQ(judge_version(bad).verdict, fitness::refused) << judge_version(bad).version;
    EXPECT_NE(judge_version(0x020a01ffU).verdict, fitness::refused);
}

TEST(versions, a_pre_release_counts_as_its_release) {
    EXPECT_EQ(judge_version(0x02010001U).verdict, judge_version(0x020100ffU).verdict);
}

TEST(versions, every_row_is_a_range_with_a_reason_and_a_consequence) {
    for (const version_fault& row : version_faults()) {
        EXPECT_LE(row.first, row.last) << row.why;
        EXPECT_NE(row.verdict, fitness::good) << row.why;
        EXPECT_FALSE(row.why.empty());
    }
}

TEST(versions, the_loaded_library_is_the_one_that_is_judged) {
    EXPECT_TRUE(std::string_view(rd_kafka_version_str()).starts_with(judge_loaded_version().version));
    EXPECT_NE(judge_loaded_version().verdict, fitness::refused);
}

} // namespace
} // namespace corvid::kafka
