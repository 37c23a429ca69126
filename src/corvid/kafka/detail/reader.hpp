// SPDX-License-Identifier: Apache-2.0
//
// reader: broker::partition_reader on a consumer client of its own that joins no group: the partition is
// assigned from its first offset, and librdkafka says when the position reaches the end.
#pragma once

#include <corvid/broker/partition_reader.hpp>
#include <corvid/broker/record_source.hpp>
#include <corvid/kafka/detail/client.hpp>
#include <corvid/kafka/detail/event_bridge.hpp>
#include <corvid/kafka/detail/fetch/refill.hpp>
#include <corvid/kafka/detail/message_batch.hpp>

#include <deque>
#include <memory>
#include <vector>

namespace corvid::kafka {

class reader final : public broker::partition_reader {
public:
    reader(client_handle client, topic_partition where, scheduler& loop, broker::source_listener& listener);
    ~reader() override;
    reader(const reader&) = delete;
    reader& operator=(const reader&) = delete;

    [[nodiscard]] record_batch take(std::size_t most) override;
    [[nodiscard]] bool is_at_end() const override { return at_end_; }
    [[nodiscard]] std::optional<error> take_trouble() override;

private:
    void take_events();
    void note(const rd_kafka_message_t& failed);

    client_handle client_;
    topic_partition where_;
    broker::source_listener& listener_;
    queue_handle events_, queue_;
    refill more_; // of queue_
    std::vector<rd_kafka_message_t*> taken_;
    std::shared_ptr<batch_store> batches_ = std::make_shared<batch_store>();
    std::deque<error> troubles_;
    bool at_end_ = false;
    event_bridge bridge_;
};

} // namespace corvid::kafka
