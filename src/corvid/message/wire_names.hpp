// SPDX-License-Identifier: Apache-2.0
//
// The names of corvid's record headers, in one place. All values are text. `send` writes none of them unless
// the message or the call asks; what a context or an outbox publishes always carries the first four.
#pragma once

#include <array>
#include <string_view>

namespace corvid::wire {

inline constexpr std::string_view idempotency_key = "idempotency_key";
inline constexpr std::string_view correlation_id = "correlation_id";
inline constexpr std::string_view causation_id = "causation_id";
inline constexpr std::string_view traceparent = "traceparent";
inline constexpr std::string_view event_type = "event_type";
inline constexpr std::string_view event_version = "event_version";

/// The version that an absent event_version header stands for.
inline constexpr int default_version = 1;

/// What docs/reference/headers.md says of a header.
struct header_info {
    std::string_view name;
    std::string_view meaning;
    std::string_view written;
};

inline constexpr std::array<header_info, 6> headers = {{
    {idempotency_key, "the event's id: consumers deduplicate by it",
     "where the message or the call asks; always by a context"},
    {correlation_id, "the same for all that one cause set off", "always by a context"},
    {causation_id, "the event id of the record that caused this one", "always by a context"},
    {traceparent, "W3C trace context", "always by a context"},
    {event_type, "the type of the message", "only where several types share a topic"},
    {event_version, "the version of the message's form, by which upcasters go",
     "only above 1; absent reads as 1"},
}};

} // namespace corvid::wire
