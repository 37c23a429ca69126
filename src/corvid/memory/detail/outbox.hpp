// SPDX-License-Identifier: Apache-2.0
//
// outbox: the records of one sink that are on their way, and the reports that wait for its delivery loop.
//
// A record of an undisturbed cluster goes straight into its log, in the sender's thread. One that meets a
// fault waits in a queue, in order, and so does all that is sent behind it: the order of a partition never
// changes.
#pragma once

#include <corvid/memory/detail/send_script.hpp>
#include <corvid/memory/detail/topic.hpp>
#include <corvid/memory/detail/waker.hpp>

#include <deque>
#include <mutex>
#include <optional>
#include <vector>

namespace corvid::memory {

class outbox_topic final : public broker::sink_topic {
public:
    explicit outbox_topic(std::shared_ptr<topic> of) : sink_topic(of->spec.name), of_(std::move(of)) {}
    [[nodiscard]] topic& of() noexcept { return *of_; }

    /// What `ended` does not count yet; guarded by the outbox's lock.
    struct uncounted {
        std::uint64_t acknowledged = 0, failed = 0, possibly_persisted = 0;
        steady_time since{}; ///< when the first of them was sent
    };
    uncounted fresh;

private:
    std::shared_ptr<topic> of_;
};

struct outbox_limits {
    std::uint64_t records = 100'000;          ///< queue.buffering.max.messages
    std::uint64_t bytes = 1'048'576ULL << 10; ///< queue.buffering.max.kbytes
    std::size_t record_bytes = 1'000'000;
    duration message_timeout{}; ///< 0: none
};

/// From the settings and the librdkafka properties that the in-process broker heeds; throws config_error.
[[nodiscard]] outbox_limits limits_of(const broker::sink_settings& settings);

class outbox final : public waker {
public:
    outbox(scheduler& delivery, broker::sink_listener& listener, outbox_limits limits, send_script& script,
           const scheduler& clock) noexcept
        : waker(delivery), listener_(listener), limits_(limits), script_(script), clock_(clock) {}

    /// `must_wait` is set where the record waits in the queue, so that somebody must call advance() later.
    [[nodiscard]] result<void> send(const broker::outgoing& record, bool& must_wait);
    /// Moves what waits as far as it goes now.
    void advance();
    [[nodiscard]] std::optional<steady_time> next_due() const;
    /// Fails what waits; answers how many records that were.
    std::size_t purge();
    [[nodiscard]] std::size_t unreported() const;
    void break_down(const error& why);
    void warn(const error& why);
    /// No more records; true when all is reported already, else `drained` will be set.
    [[nodiscard]] bool close();
    /// The sink goes without a close: what is unreported stays so.
    void abandon();

    signal drained;

private:
    struct waiting {
        owned_frame bytes;
        broker::partition_choice choice;
        outbox_topic* topic;
        broker::send_node* node;
        std::uint32_t size;
        bool generation;
        steady_time sent;
        steady_time due;
        steady_time expires;
    };
    struct failed {
        owned_frame bytes;
        outbox_topic* topic;
        partition_id partition;
        broker::persistence persisted;
        error why;
        bool generation;
    };
    struct reports {
        broker::delivery_batch batch;
        std::vector<failed> posts_failed;
        std::vector<outbox_topic*> touched; ///< those with fresh counts
        struct answer {
            outbox_topic* topic;
            steady_time sent;
            std::uint64_t records;
        };
        std::vector<answer> answers; ///< of `touched`, once they are taken
        std::vector<error> warnings;
        std::optional<error> broke;
        [[nodiscard]] std::uint64_t records() const noexcept {
            return batch.node_records + batch.posted_records[0] + batch.posted_records[1];
        }
        [[nodiscard]] std::uint64_t bytes() const noexcept {
            return batch.node_bytes + batch.posted_bytes[0] + batch.posted_bytes[1];
        }
    };

    void visit() noexcept override;
    [[nodiscard]] reports take_reports();
    void hand_over(reports& now);
    [[nodiscard]] std::optional<error> refusal(const broker::outgoing& record, outbox_topic& to,
                                               std::size_t payload) const;
    [[nodiscard]] static partition_id partition_of(broker::partition_choice choice, const topic& of) noexcept;
    void count(broker::send_node* node, bool generation, std::uint32_t size);
    /// `sent`: when the record was; none: now.
    [[nodiscard]] outbox_topic::uncounted& counts_of(outbox_topic& of, std::optional<steady_time> sent);
    void report(const broker::outgoing& record, std::uint32_t size, partition_id partition, std::int64_t at,
                std::int64_t timestamp, std::optional<steady_time> sent = {});
    void report_failure(waiting&& record, error why, broker::persistence persisted);
    void write(waiting& record, bool reported);
    [[nodiscard]] bool advance_first(steady_time now);
    void fail_all(const error& why);
    void pass_on();
    [[nodiscard]] std::int64_t stamp(const topic& of, std::int64_t given) const;

    broker::sink_listener& listener_;
    const outbox_limits limits_;
    send_script& script_;
    const scheduler& clock_;
    mutable std::mutex mutex_;
    std::deque<waiting> queue_;
    std::optional<reports> reports_{std::in_place}; // never empty
    std::uint64_t in_flight_ = 0;                   // accepted and not handed over yet
    std::uint64_t bytes_in_flight_ = 0;
    bool closed_ = false;
    std::optional<error> broken_;
};

} // namespace corvid::memory
