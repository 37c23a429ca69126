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
inline constexpr std::string_view ce_type = "ce_type"; ///< CloudEvents; read, never written

// Of dead letters. The names under __dlq.errors are Kafka's (KIP-1191).
inline constexpr std::string_view dlq_topic = "__dlq.errors.topic";
inline constexpr std::string_view dlq_partition = "__dlq.errors.partition";
inline constexpr std::string_view dlq_offset = "__dlq.errors.offset";
inline constexpr std::string_view dlq_group = "__dlq.errors.group";
inline constexpr std::string_view dlq_delivery_count = "__dlq.errors.delivery.count";
inline constexpr std::string_view dlq_message = "__dlq.errors.message";
inline constexpr std::string_view retry_count = "retry_count";
inline constexpr std::string_view retry_due_at = "corvid-retry-due-at";
inline constexpr std::string_view error_type = "corvid-error-type";
inline constexpr std::string_view error_stack = "corvid-error-stack";
inline constexpr std::string_view first_failed_at = "corvid-first-failed-at";
inline constexpr std::string_view service = "corvid-service";
inline constexpr std::string_view instance = "corvid-instance";

/// The version that an absent event_version header stands for.
inline constexpr int default_version = 1;

/// What docs/reference/headers.md says of a header.
struct header_info {
    std::string_view name;
    std::string_view meaning;
    std::string_view written;
};

inline constexpr std::array<header_info, 19> headers = {{
    {idempotency_key, "the event's id: consumers deduplicate by it",
     "where the message or the call asks; always by a context and an outbox"},
    {correlation_id, "the same for all that one cause set off", "always by a context and an outbox"},
    {causation_id, "the event id of the record that caused this one",
     "always by a context; by an outbox in a handler"},
    {traceparent, "W3C trace context", "always by a context and an outbox"},
    {event_type, "the type of the message",
     "where the message declares an event_type: types that share a topic"},
    {event_version, "the version of the message's form, by which upcasters go",
     "only above 1; absent reads as 1"},
    {dlq_topic, "the topic that the record came from", "on dead letters and parked records, in retry topics"},
    {dlq_partition, "its partition there", "on dead letters and parked records, in retry topics"},
    {dlq_offset, "its offset there", "on dead letters and parked records, in retry topics"},
    {dlq_group, "the group that could not handle it", "on dead letters and parked records"},
    {dlq_delivery_count, "how often a handler had it", "on dead letters and parked records"},
    {dlq_message,
     "what the last failure said, at most 4 KiB; left out where the broker would find the record too large",
     "on dead letters and parked records"},
    {retry_count, "how often it was tried again", "where a record that failed leaves the process"},
    {retry_due_at, "when it is to be tried again, in milliseconds since 1970", "in retry topics"},
    {error_type, "the name of the last failure's code, as in errors.md",
     "on dead letters and parked records"},
    {error_stack, "the last failure in full with its causes, at most 4 KiB; left out likewise",
     "on dead letters and parked records"},
    {first_failed_at, "when it failed first, in milliseconds since 1970",
     "on dead letters and in retry topics"},
    {service, "the service that gave it up", "on dead letters and parked records"},
    {instance, "the client id of its instance", "on dead letters and parked records"},
}};

} // namespace corvid::wire
