// SPDX-License-Identifier: Apache-2.0
//
// record_sink: where records are sent. The seam below produce/; kafka/ and memory/ implement it.
//
// send() copies key, value and headers before it returns, and never blocks. Every accepted record is reported
// exactly once: to its send_node, or, where it has none (fire and forget), in the figures of a
// delivery_batch; unless its sink broke and it was passed on, see sink_listener.
#pragma once

#include <corvid/base/result.hpp>
#include <corvid/base/scheduler.hpp>
#include <corvid/model/delivery.hpp>
#include <corvid/model/headers.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace corvid::broker {

/// A topic that a sink resolved once, so that no name is looked up per record. Lives as long as its sink.
class sink_topic {
public:
    explicit sink_topic(topic_name name) : name_(std::move(name)) {}
    virtual ~sink_topic() = default;
    [[nodiscard]] const topic_name& name() const noexcept { return name_; }

    /// How its records ended so far. Written by the sink on the delivery loop, once a run of reports; read by
    /// anyone.
    struct ends {
        std::atomic<std::uint64_t> acknowledged{0}, failed{0}, possibly_persisted{0};
    };
    ends ended;

    void* user = nullptr; ///< the sender's own, set before the first record

private:
    topic_name name_;
};

/// Which partition a record goes to: hash % (number of partitions), or an explicit number. One word's worth,
/// so that it travels without allocation; the sink alone knows how many partitions there are when the record
/// leaves.
struct partition_choice {
    std::uint32_t value = 0; ///< 31 bits
    bool is_explicit = false;
    [[nodiscard]] static constexpr partition_choice by_hash(std::uint32_t hash) noexcept {
        return {hash & 0x7fffffffU, false};
    }
    [[nodiscard]] static constexpr partition_choice exactly(partition_id p) noexcept {
        return {static_cast<std::uint32_t>(p.value) & 0x7fffffffU, true};
    }
};

/// Whether a record that was not acknowledged may nevertheless be in the log (librdkafka's message status).
enum class persistence : std::uint8_t { no, possibly, yes };

/// The place that a record's fate is written to. The node stays alive and in place until it is handed back in
/// a delivery_batch, on the delivery loop.
struct send_node : work {
    using work::work;
    partition_choice choice;
    sink_topic* topic = nullptr; ///< written by send()
    std::uint32_t bytes = 0;     ///< key and value; written by send()
    partition_id partition{-1};  ///< from here on written by the delivery
    offset at{-1};
    std::int64_t timestamp = -1;
    persistence persisted = persistence::no;
    std::optional<error> failure = {}; ///< none: acknowledged
};

/// So much larger than its sink's max_record_bytes a record may be that corvid puts elsewhere: for headers of
/// its own. Else what just fits into a topic would never fit into its dead letter topic.
inline constexpr std::uint32_t transfer_room = 65'536;

struct outgoing {
    sink_topic* topic = nullptr;
    optional_bytes key = {};
    optional_bytes value = {};
    std::span<const header_view> headers = {};
    std::int64_t timestamp = -1; ///< milliseconds since the epoch; -1: wall_now()
    partition_choice choice = {};
    send_node* node = nullptr; ///< null: fire and forget
    bool generation = false;  ///< handed back with a fire-and-forget record's report (see produce/credit.hpp)
    bool is_transfer = false; ///< it has transfer_room

    [[nodiscard]] std::size_t bytes() const noexcept { return key.size() + value.size(); }
    /// With its headers: what max_record_bytes is compared with.
    [[nodiscard]] std::size_t all_bytes() const noexcept {
        std::size_t all = bytes();
        for (const header_view& each : headers)
            all += each.name.size() + each.value.size();
        return all;
    }
    [[nodiscard]] bool fits(std::size_t most) const noexcept {
        return all_bytes() <= most + (is_transfer ? transfer_room : 0);
    }
};

/// A fire-and-forget record that failed. Everything is borrowed for the length of the call.
struct failed_post {
    const topic_name& topic;
    partition_id partition;
    optional_bytes key;
    optional_bytes value;
    std::span<const header_view> headers;
    persistence persisted;
    const error& why;
    bool generation;
};

/// Reports that arrived together.
struct delivery_batch {
    work_list nodes; ///< send_nodes, each with its fate
    std::uint64_t node_records = 0, node_bytes = 0;
    std::uint64_t posted_records[2] = {
        0, 0}; ///< fire-and-forget records that are over, by generation, failed ones included
    std::uint64_t posted_bytes[2] = {0, 0};
};

/// Called on the delivery loop, one at a time. Must not block.
class sink_listener {
public:
    virtual void delivered(delivery_batch&& batch) noexcept = 0;
    /// Before the batch that brings them: `records` of one topic were answered together, and the first of
    /// them that was acknowledged took so long from send() until now. One reading of a clock for all of them.
    virtual void answered(sink_topic& /*topic*/, duration /*took*/, std::uint64_t /*records*/) noexcept {}
    virtual void post_failed(const failed_post& record) noexcept = 0; ///< before the batch that counts it
    /// The sink cannot go on: every record in flight will still be reported or passed on, later sends are
    /// refused.
    virtual void broken(const error& why) noexcept = 0;
    /// After that, instead of a report: the record was never sent, and another sink may well send it. True:
    /// it goes there. It is borrowed, but for its node. Those of a partition come in their order.
    [[nodiscard]] virtual bool passed_on(const outgoing& /*unsent*/) noexcept { return false; }
    /// Something worth a log line that no record carries (all brokers down, authentication refused, …).
    virtual void warned(const error& why) noexcept = 0;

protected:
    ~sink_listener() = default;
};

enum class acknowledgements : std::uint8_t { none, leader, all };

/// Safe by default. Any librdkafka property can be given by name and wins over these, but for what corvid
/// rests on, of which another value is refused (conflicting_settings): `acks` (say it here), `partitioner`,
/// `sticky.partitioning.linger.ms`, `delivery.report.only.error`, `log.queue`.
struct sink_settings {
    std::string client_id = "corvid";
    bool idempotent = true;
    acknowledgements acks = acknowledgements::all;
    std::chrono::milliseconds linger{5};
    std::uint32_t batch_records = 10'000;
    std::uint32_t batch_bytes = 1'000'000;
    std::string compression = "lz4"; ///< none, gzip, snappy, lz4, zstd
    std::chrono::milliseconds request_timeout{5'000};
    std::chrono::milliseconds message_timeout{120'000};
    std::uint32_t max_record_bytes = 1'000'000; ///< key, value and headers
    std::string transactional_id = {};          ///< empty: not transactional
    std::chrono::milliseconds transaction_timeout{60'000};
    std::map<std::string, std::string> properties = {};
};

class record_sink {
public:
    virtual ~record_sink() = default;

    /// Resolves a topic; the same name gives the same object. Any thread; takes a lock, so keep what it
    /// returns.
    [[nodiscard]] virtual result<sink_topic*> topic(const topic_name& name) = 0;

    /// Hands one record over. Any thread, never blocks. An error means that the record was not taken and will
    /// not be reported: queue_full, message_too_large, unknown_topic, unknown_partition, producer_closed,
    /// client_fatal.
    [[nodiscard]] virtual result<void> send(const outgoing& record) noexcept = 0;

    /// A record of send_all() that was not taken.
    struct refusal {
        const outgoing* record;
        error why;
    };
    /// As send() for each, in order for each partition, at less cost. Returns those that
    /// were not taken and will not be reported.
    [[nodiscard]] virtual std::vector<refusal> send_all(std::span<const outgoing> records) noexcept {
        std::vector<refusal> refused;
        for (const outgoing& record : records)
            if (auto sent = send(record); !sent) refused.push_back({&record, std::move(sent).error()});
        return refused;
    }

    /// Sends what lingers now rather than later. Any thread, never blocks.
    virtual void hurry() noexcept = 0;

    /// Gives up everything in flight or queued: each record is reported as failed soon after. Any thread.
    virtual void purge() noexcept = 0;
    /// Records that were taken and not reported. Any thread.
    [[nodiscard]] virtual std::size_t unreported() const noexcept = 0;

    /// Ends the sink: waits for what is in flight, at most `patience`, then purges; all is reported when it
    /// returns. Called once, never on the delivery loop. Errors: close_timed_out (with what was given up).
    virtual result<void> close(std::chrono::milliseconds patience) = 0;
};

} // namespace corvid::broker
