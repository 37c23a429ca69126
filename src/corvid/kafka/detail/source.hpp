// SPDX-License-Identifier: Apache-2.0
//
// source: broker::record_source on a consumer client; everything on its loop (reliability.md b1.13).
//
// The consumer queue brings rebalances and errors, as events. Each partition has a queue of its own, cut off
// from the consumer queue before the partition is assigned, so that no record ever comes with the events and
// a revoke can be held while work drains. Nothing is paused, resumed or sought.
#pragma once

#include <corvid/broker/record_source.hpp>
#include <corvid/kafka/detail/committer.hpp>
#include <corvid/kafka/detail/fetch/refill.hpp>
#include <corvid/kafka/detail/message_batch.hpp>
#include <corvid/model/topic_pattern.hpp>

#include <deque>
#include <optional>
#include <set>
#include <vector>

namespace corvid::kafka {

class source final : public broker::record_source {
public:
    /// Subscribes. Throws config_error. `cooperative`: assignments come and go piece by piece.
    source(client_handle client, const broker::source_settings& settings, bool cooperative, scheduler& loop,
           broker::source_listener& listener);
    ~source() override;
    source(const source&) = delete;
    source& operator=(const source&) = delete;

    [[nodiscard]] broker::offset_committer& offsets() noexcept { return committer_; }

    [[nodiscard]] std::optional<broker::source_event> next_event() override;
    void accept(std::span<const broker::start_at> partitions) override;
    void release() override;
    [[nodiscard]] record_batch take(broker::slot from, std::size_t most) override;
    [[nodiscard]] broker::partition_progress progress(broker::slot of) const override;
    void close() override;

private:
    struct held {
        topic_partition where;
        partitions_handle self;       ///< this partition as a list, for rd_kafka_position()
        queue_handle queue = nullptr; ///< from accept() on
        std::optional<offset> start = {};
        refill more = {}; ///< of the queue
    };
    /// librdkafka evicts a member that does not poll, also one that has nothing to poll for; so the loop
    /// polls while it lives.
    struct heartbeat : timer {
        explicit heartbeat(source& s) noexcept : timer(&heartbeat::beat), owner(s) {}
        static void beat(work& node) noexcept;
        source& owner;
    };
    using slots = std::vector<broker::slot>;

    void subscribe(const broker::source_settings& settings);
    [[nodiscard]] std::optional<broker::source_event> poll();
    [[nodiscard]] std::optional<broker::source_event> translate(rd_kafka_event_t* event);
    [[nodiscard]] std::optional<broker::source_event> rebalance(rd_kafka_event_t* event);
    [[nodiscard]] std::optional<broker::source_event> offer(const rd_kafka_topic_partition_list_t& list);
    [[nodiscard]] std::optional<broker::source_event> revoke(const rd_kafka_topic_partition_list_t& list,
                                                             bool lost);
    [[nodiscard]] std::optional<broker::source_event> leave();
    [[nodiscard]] bool is_excepted(const topic_name& topic) const;
    [[nodiscard]] broker::slot add_slot(topic_partition where);
    [[nodiscard]] held* find(broker::slot which) const noexcept;
    [[nodiscard]] partitions_handle list_of(const slots& which) const;
    void open_queue(held& partition);
    void close_queue(held& partition);
    void assign(const slots& which);
    void unassign(const slots& which);
    void report(rd_kafka_resp_err_t native, std::string_view text, error_details details = {});
    [[nodiscard]] std::size_t set_errors_aside(std::size_t count);

    client_handle client_;
    scheduler& loop_;
    broker::source_listener& listener_;
    const bool cooperative_;
    const duration beat_;
    const std::set<topic_name> named_;
    const topic_pattern except_;
    committer committer_;
    queue_handle queue_;
    queue_handle leaving_queue_; // where the consumer queue goes to while the group is left
    std::vector<std::unique_ptr<held>> partitions_; // by slot; null: free
    std::optional<slots> offered_;                  // assigned, not yet accepted
    std::optional<slots> revoked_;                  // revoked, not yet released
    std::deque<broker::source_event> waiting_;
    std::vector<rd_kafka_message_t*> taken_; // take()'s own array
    std::shared_ptr<batch_store> batches_ = std::make_shared<batch_store>();
    bool closing_ = false, left_ = false, over_ = false;
    heartbeat heartbeat_;
    event_bridge bridge_;
};

} // namespace corvid::kafka
