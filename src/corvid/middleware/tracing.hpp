// SPDX-License-Identifier: Apache-2.0
//
// tracing: which trace an attempt belongs to, and who is told of it when it has ended.
//
// A record brings its trace in the header `traceparent`; an attempt is a span within it, a child of the one
// that sent the record. One without the header, or with one that breaks the rule of W3C Trace Context, begins
// a trace. Both ids of what is begun here are made from the record's place, the group and the attempt: so a
// record that comes again belongs to the same trace, and no generator is shared between threads.
#pragma once

#include <corvid/message/envelope.hpp>
#include <corvid/model/outcome.hpp>
#include <corvid/observe/trace_context.hpp>

#include <array>
#include <cstdint>
#include <string_view>

namespace corvid {

/// One attempt of a handler, as exporters need it. Borrows all of it for the length of the call.
struct span {
    trace_context context;
    std::array<std::uint8_t, 8> parent{}; ///< all 0: it began the trace
    std::string_view topic, group, handler;
    std::int32_t partition = 0;
    std::int64_t offset = 0;
    int attempt = 1;
    wall_time began{};
    duration took{};
    verdict how = verdict::done;
    const error* why = nullptr;
};

/// Takes spans of sampled traces as they end: the seam for exporters. Called on the threads of handlers,
/// several at once: take a copy, and give it to a thread of your own.
class span_sink {
public:
    virtual ~span_sink() = default;
    virtual void ended(const span& what) noexcept = 0;
};

/// What the ids of an attempt are made from.
struct span_place {
    std::string_view topic, group;
    std::int32_t partition = 0;
    std::int64_t offset = 0;
    int attempt = 1;
};

struct begun_span {
    trace_context context;
    std::array<std::uint8_t, 8> parent{};
};

/// The span of an attempt on a record with these headers. `sample`: the part of the traces begun here that is
/// sampled; others are as their beginner said. Pure.
[[nodiscard]] begun_span begin_span(const header_list& its_headers, const span_place& place,
                                    double sample = 0) noexcept;

} // namespace corvid
