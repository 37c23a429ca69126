// SPDX-License-Identifier: Apache-2.0
//
// sink: broker::record_sink on a producer client. send() runs on any thread and adds nothing to
// rd_kafka_produce() but one opaque word; what comes back is delivery_reports' business.
#pragma once

#include <corvid/kafka/detail/delivery_reports.hpp>
#include <corvid/kafka/detail/opaque.hpp>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace corvid::kafka {

class resolved_topic final : public broker::sink_topic {
public:
    /// Throws nothing; native() is null where librdkafka refused the name.
    resolved_topic(rd_kafka_t* client, topic_name name);
    [[nodiscard]] rd_kafka_topic_t* native() const noexcept { return native_.get(); }

    /// How many partitions librdkafka saw last.
    void has(std::int32_t partitions) noexcept {
        if (partitions_.load(std::memory_order_relaxed) != partitions)
            partitions_.store(partitions, std::memory_order_relaxed);
    }
    /// Where a record goes, or RD_KAFKA_PARTITION_UA where its partitioner must say.
    [[nodiscard]] std::int32_t partition_for(broker::partition_choice choice) const noexcept {
        constexpr std::int32_t few = 16; // with more a call would take hardly any record
        const auto partitions = partitions_.load(std::memory_order_relaxed);
        if (partitions == 0 || partitions > few) return RD_KAFKA_PARTITION_UA;
        return kafka::partition_for(choice, partitions);
    }

private:
    topic_handle native_;
    std::atomic<std::int32_t> partitions_{0};
};

class sink final : public broker::record_sink {
public:
    /// On the delivery loop. `most`: bytes of a record that is no transfer.
    sink(client_handle client, std::size_t most, scheduler& delivery, broker::sink_listener& listener);
    ~sink() override;

    [[nodiscard]] result<broker::sink_topic*> topic(const topic_name& name) override;
    [[nodiscard]] result<void> send(const broker::outgoing& record) noexcept override;
    [[nodiscard]] std::vector<refusal> send_all(std::span<const broker::outgoing> records) noexcept override;
    void hurry() noexcept override;
    void purge() noexcept override;
    [[nodiscard]] std::size_t unreported() const noexcept override;
    result<void> close(std::chrono::milliseconds patience) override;

private:
    class bulk;
    class visit;
    struct hurrier;
    struct first_look;
    void send_some(std::span<const broker::outgoing> records, std::vector<refusal>& refused) noexcept;
    void send_bulk(bulk& together, std::vector<refusal>& refused) noexcept;
    [[nodiscard]] rd_kafka_resp_err_t enqueue_with(const broker::outgoing& record, rd_kafka_topic_t* topic,
                                                   void* opaque) noexcept;
    /// Ends the half on the delivery loop and waits until it has ended.
    void hang_up() noexcept;

    client_handle client_;
    const std::size_t most_;
    scheduler& delivery_;
    std::unique_ptr<delivery_reports> reports_;
    std::shared_ptr<hurrier> hurrier_;
    std::atomic<bool> closed_{false};
    std::atomic<std::uint32_t> senders_{0};
    std::atomic<std::uint32_t> bulks_{0};
    std::mutex mutex_;
    std::map<topic_name, std::unique_ptr<resolved_topic>> topics_; // under mutex_
};

} // namespace corvid::kafka
