// SPDX-License-Identifier: Apache-2.0
//
// publish: an event that leaves exactly if the unit of work is committed: a row of the table `outbox`,
// written in the unit's transaction, right before COMMIT. A relay (outbox/relay.hpp) sends it.
//
//   corvid::publish(db, invoice_issued{o.order_id, o.cents});        // in a handler with exactly_once …
//   corvid::unit_of_work unit;  unit.execute(…);  corvid::publish(unit, invoice);     // … or anywhere
//   result<void> written = co_await database.write(std::move(unit));
//
// Recorded at once: the message may go. Events of one aggregate are sent in the order in which their
// transactions are committed, within one in the order of these calls; an aggregate is a key within an
// aggregate type, by default the topic. Events without a key have no order. Each carries the headers
// idempotency_key (its id: a row is sent at least once, and always with the same), correlation_id,
// traceparent and, in a handler, causation_id. On PostgreSQL writers of one aggregate wait for one another
// from the write of the rows to the commit; a transaction of more than 64 aggregates waits for all.
//
// On an enlisted handle of yours (store/postgres/enlist.hpp) rows are written, and aggregates locked, when
// write_on() is called: call it shortly before your COMMIT; what you lock after it may end in a deadlock
// (40P01, retriable). synchronous_commit stays on: of a commit that a crash takes back, the event may have
// left.
//
// Throws corvid::rejected for what can never be sent: a message that cannot be written, a key, id or header
// that is not UTF-8 or has a NUL, a topic that breaks the naming rule: then nothing is recorded.
#pragma once

#include <corvid/message/traits.hpp>
#include <corvid/model/headers.hpp>
#include <corvid/serde/json/json.hpp>
#include <corvid/store/unit_of_work.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace corvid {

/// All of it is copied.
struct outbox_options {
    std::optional<std::string_view> key = {}; ///< instead of the message's own; also the aggregate's id
    std::string_view aggregate_type = {}; ///< instead of the topic: what must keep its order across topics
    std::string_view event_id = {};       ///< instead of a fresh UUID
    std::span<const header_view> headers = {}; ///< texts; the last of a name counts
};

/// An event in bytes.
struct outbox_event {
    std::string topic = {};
    std::optional<std::string_view> key = {};
    std::optional<std::string_view> payload = {}; ///< none: a tombstone
    std::string_view event_type = {};             ///< for readers of the table; no header
};

void publish(unit_of_work& in, const outbox_event& event, const outbox_options& options = {});

namespace outbox_detail {
[[noreturn]] void refuse(const error& why);
} // namespace outbox_detail

template <Message T>
void publish(unit_of_work& in, const T& message, const outbox_options& options = {}) {
    using traits = message_traits<T>;
    thread_local byte_buffer buffer;
    thread_local std::string scratch;
    buffer.clear();
    if (auto written = json::encode(message, buffer); !written) outbox_detail::refuse(written.error());
    header_list headers;
    const std::string version = std::to_string(traits::version);
    if constexpr (traits::version > wire::default_version)
        headers.push_back({wire::event_version, optional_bytes(version)});
    if constexpr (traits::has_event_type)
        headers.push_back({wire::event_type, optional_bytes(traits::event_type)});
    headers.insert(headers.end(), options.headers.begin(), options.headers.end());
    outbox_options with = options;
    with.headers = headers;
    publish(in,
            outbox_event{.topic = std::string(traits::topic),
                         .key = traits::key_of(message, scratch),
                         .payload = buffer.text(),
                         .event_type = traits::event_type},
            with);
}

/// A record without value for the key: deletes it from a compacted topic.
template <Message T>
void publish_tombstone(unit_of_work& in, std::string_view key, const outbox_options& options = {}) {
    using traits = message_traits<T>;
    publish(in,
            outbox_event{.topic = std::string(traits::topic), .key = key, .event_type = traits::event_type},
            options);
}

} // namespace corvid
