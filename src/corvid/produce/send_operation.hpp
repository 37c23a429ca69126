// SPDX-License-Identifier: Apache-2.0
//
// What publisher::send and publisher::flush return, and the options of a single send.
#pragma once

#include <corvid/base/operation.hpp>
#include <corvid/base/result.hpp>
#include <corvid/broker/record_sink.hpp>
#include <corvid/model/delivery.hpp>

#include <optional>
#include <span>
#include <string_view>

namespace corvid {

class publisher;
class published_topic;

/// All of it is borrowed until the send is started: views and numbers only, so that a co_await expression
/// may hold it (g++ 12 destroys temporary aggregates with owning members twice there).
struct send_options {
    std::optional<std::string_view> key = {};           ///< instead of the message's own
    std::optional<partition_id> partition = {};         ///< explicit; wins over all strategies
    std::optional<std::string_view> partition_by = {};  ///< partition by these bytes instead of the key
    std::optional<std::uint32_t> partition_modulo = {}; ///< this number modulo the topic's partitions
    std::optional<wall_time> timestamp = {};            ///< none: now
    std::string_view event_id = {};                     ///< header idempotency_key
    std::span<const header_view> headers = {};
    bool is_transfer = false; ///< corvid's own, of dead letters: it has broker::transfer_room
};

/// Completes on the broker's acknowledgement. Errors: not_persisted, possibly_persisted, message_too_large,
/// unknown_topic, unknown_partition, not_authorised, queue_full, producer_closed, client_fatal. Cannot be
/// cancelled: the record may be on its way; it completes within message_timeout, which begins anew when the
/// producer is replaced before the record was sent.
class send_operation : public operation<send_operation, result<delivery>>, private broker::send_node {
public:
    send_operation(publisher& by, published_topic& to, optional_bytes key, optional_bytes value,
                   const send_options& options) noexcept;
    /// Completes at once with the error if there is no topic.
    send_operation(publisher& by, result<published_topic*> to, optional_bytes key, optional_bytes value,
                   const send_options& options) noexcept;

    [[nodiscard]] bool start() noexcept;
    [[nodiscard]] result<delivery> take() noexcept;

protected:
    [[nodiscard]] bool start_reserved() noexcept;

private:
    friend class publisher;
    static void reported(work& node) noexcept;

    // What the answer needs stands first, beside the node: with thousands in flight each cache line counts.
    published_topic* topic_ = nullptr;
    publisher& publisher_;
    broker::outgoing record_; // what it points to is the caller's until start()
};

/// Completes when every record that was posted before is acknowledged, or has failed: then with the first
/// error.
class flush_operation : public operation<flush_operation, result<void>> {
public:
    explicit flush_operation(publisher& of) noexcept : publisher_(of) {}
    [[nodiscard]] bool start() noexcept;
    [[nodiscard]] result<void> take() noexcept;

private:
    friend class publisher;
    publisher& publisher_;
    std::optional<error> failure_;
};

} // namespace corvid
