// SPDX-License-Identifier: Apache-2.0
#include <corvid/observe/trace_context.hpp>

#include <gtest/gtest.h>

namespace corvid {
namespace {

constexpr std::string_view example = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(trace_context, what_is_read_is_written_again) {
    const auto context = trace_context::parse(example);
    ASSERT_TRUE(context);
    EXPECT_TRUE(context->sampled);
    EXPECT_EQ(context->traceparent(), example);
    EXPECT_EQ(context->trace_id_text(), "4bf92f3577b34da6a3ce929d0e0e4736");
    EXPECT_EQ(context->span_id_text(), "00f067aa0ba902b7");
}

TEST(trace_context, a_child_stays_in_the_trace) {
    const auto parent = trace_context::parse(example);
    ASSERT_TRUE(parent);
    const trace_context child = parent->child(0x0102030405060708);
    EXPECT_EQ(child.trace_id, parent->trace_id);
    EXPECT_EQ(child.span_id_text(), "0102030405060708");
    EXPECT_EQ(trace_context::parse(child.traceparent()), child);
}

TEST(trace_context, later_versions_are_read_by_their_first_four_fields) {
    const std::string later = "01" + std::string(example.substr(2));
    EXPECT_TRUE(trace_context::parse(later));
    EXPECT_TRUE(trace_context::parse(later + "-more"));
    EXPECT_FALSE(trace_context::parse(later + "more"));
    EXPECT_FALSE(trace_context::parse(std::string(example) + "-more"));
    EXPECT_FALSE(trace_context::parse("ff" + std::string(example.substr(2))));
}

TEST(trace_context, flags_other_than_sampled_are_dropped) {
    const auto context = trace_context::parse(std::string(example.substr(0, 53)) + "fe");
    ASSERT_TRUE(context);
    EXPECT_FALSE(context->sampled);
    EXPECT_TRUE(context->traceparent().ends_with("-00"));
}

TEST(trace_context, invalid_text_is_refused) {
    for (std::string_view text : {"", "00", "00-4BF92F3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                                  "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                                  "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                                  "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
                                  "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                                  "g0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"})
        EXPECT_FALSE(trace_context::parse(text)) << text;
    for (std::size_t size = 0; size < example.size(); ++size)
        EXPECT_FALSE(trace_context::parse(example.substr(0, size)));
}

} // namespace
} // namespace corvid
