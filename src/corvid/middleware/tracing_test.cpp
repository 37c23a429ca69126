// SPDX-License-Identifier: Apache-2.0
#include <corvid/message/wire_names.hpp>
#include <corvid/middleware/tracing.hpp>

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace corvid {
namespace {

constexpr std::string_view parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

header_list with_parent(std::string_view text) { return {{wire::traceparent, optional_bytes(text)}}; }

TEST(tracing, an_attempt_is_a_child_of_the_span_that_sent_the_record) {
    const auto begun = begin_span(with_parent(parent), {.topic = "a.b.c", .group = "g"});
    EXPECT_EQ(begun.context.trace_id_text(), "0af7651916cd43dd8448eb211c80319c");
    EXPECT_EQ(begun.parent, trace_context::parse(parent)->span_id);
    EXPECT_NE(begun.context.span_id, begun.parent);
    EXPECT_TRUE(begun.context.valid());
    EXPECT_TRUE(begun.context.sampled);
}

TEST(tracing, a_record_without_a_valid_traceparent_begins_a_trace) {
    for (const auto& list : {header_list{}, with_parent("00-zz-1-01")}) {
        const auto begun = begin_span(list, {.topic = "a.b.c", .group = "g"}, 1);
        EXPECT_TRUE(begun.context.valid());
        EXPECT_TRUE(begun.context.sampled);
        EXPECT_EQ(begun.parent, (std::array<std::uint8_t, 8>{}));
        EXPECT_EQ(trace_context::parse(begun.context.traceparent()), begun.context);
    }
}

TEST(tracing, a_record_that_comes_again_is_in_the_same_trace_and_each_attempt_is_a_span_of_its_own) {
    std::set<std::string> spans, traces;
    for (int attempt = 1; attempt <= 10; ++attempt)
        for (std::string_view group : {"g", "h"}) {
            const auto begun = begin_span(
                {}, {.topic = "a.b.c", .group = group, .partition = 3, .offset = 9, .attempt = attempt});
            spans.insert(begun.context.span_id_text());
            traces.insert(begun.context.trace_id_text());
        }
    EXPECT_EQ(spans.size(), 20U);
    EXPECT_EQ(traces.size(), 1U);
}

TEST(tracing, records_begin_traces_of_their_own_of_which_the_part_that_is_asked_for_is_sampled) {
    std::set<std::string> traces;
    int sampled = 0;
    for (std::int64_t offset = 0; offset < 10'000; ++offset) {
        const auto begun = begin_span({}, {.topic = "a.b.c", .group = "g", .offset = offset}, 0.1);
        traces.insert(begun.context.trace_id_text());
        sampled += begun.context.sampled;
    }
    EXPECT_EQ(traces.size(), 10'000U);
    EXPECT_NEAR(sampled, 1'000, 150);
}

} // namespace
} // namespace corvid
