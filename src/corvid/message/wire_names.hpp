// SPDX-License-Identifier: Apache-2.0
//
// The names of corvid's record headers, in one place. All values are text. `send` writes none of them unless
// the message or the call asks; what a context or an outbox publishes always carries the first four.
#pragma once

#include <string_view>

namespace corvid::wire {

inline constexpr std::string_view idempotency_key =
    "idempotency_key"; ///< the event's id: consumers deduplicate by it
inline constexpr std::string_view correlation_id =
    "correlation_id"; ///< the same for all that one cause set off
inline constexpr std::string_view causation_id =
    "causation_id"; ///< the event id of the record that caused this one
inline constexpr std::string_view traceparent = "traceparent";     ///< W3C trace context
inline constexpr std::string_view event_type = "event_type";       ///< only where several types share a topic
inline constexpr std::string_view event_version = "event_version"; ///< only above 1; absent reads as 1

/// The version that an absent event_version header stands for.
inline constexpr int default_version = 1;

} // namespace corvid::wire
