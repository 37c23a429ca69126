// SPDX-License-Identifier: Apache-2.0
// Reads the topic with librdkafka alone.
#include <bench/outbox/arms.hpp>
#include <bench/peers/handles.hpp>

#include <cstring>
#include <vector>

namespace corvid::bench {
namespace {

constexpr int patience_ms = 10'000;

class log_order {
public:
    explicit log_order(std::uint32_t keys) : next_(keys) {}

    void take(const char* text, std::size_t size) {
        unsigned long long key = 0, sequence = 0;
        const std::string copy(text, std::min<std::size_t>(size, 64));
        if (std::sscanf(copy.c_str(), "%llu %llu", &key, &sequence) != 2 || key >= next_.size()) {
            ++wrong_;
            return;
        }
        std::uint64_t& next = next_[key];
        if (sequence == next) {
            ++next;
            ++taken_;
        } else if (sequence < next) {
            ++repeated_;
        } else {
            ++wrong_;
        }
    }
    [[nodiscard]] std::uint64_t taken() const { return taken_; }
    [[nodiscard]] std::uint64_t wrong() const { return wrong_; }
    [[nodiscard]] std::uint64_t repeated() const { return repeated_; }

private:
    std::vector<std::uint64_t> next_;
    std::uint64_t taken_ = 0, wrong_ = 0, repeated_ = 0;
};

partition_list whole_topic(rd_kafka_t* consumer, const std::string& topic) {
    const topic_handle handle(rd_kafka_topic_new(consumer, topic.c_str(), nullptr));
    const rd_kafka_metadata_t* metadata = nullptr;
    if (const auto error = rd_kafka_metadata(consumer, 0, handle.get(), &metadata, patience_ms))
        die(topic.c_str(), rd_kafka_err2str(error));
    const int count = metadata->topic_cnt == 1 ? metadata->topics[0].partition_cnt : 0;
    rd_kafka_metadata_destroy(metadata);
    partition_list all(rd_kafka_topic_partition_list_new(count));
    for (int p = 0; p < count; ++p)
        rd_kafka_topic_partition_list_add(all.get(), topic.c_str(), p)->offset = RD_KAFKA_OFFSET_BEGINNING;
    return all;
}

} // namespace

std::string check_log(const outbox_options& chosen, std::uint64_t& repeated) {
    configuration conf{{"group.id", "check"},
                       {"enable.auto.commit", "false"},
                       {"enable.partition.eof", "true"},
                       {"auto.offset.reset", "earliest"}};
    conf.set("bootstrap.servers", chosen.bootstrap.c_str());
    const client consumer = conf.make(RD_KAFKA_CONSUMER);
    rd_kafka_poll_set_consumer(consumer.get());
    const partition_list all = whole_topic(consumer.get(), chosen.topic);
    rd_kafka_assign(consumer.get(), all.get());
    log_order order(chosen.keys);
    for (int left = all->cnt; left > 0;) {
        rd_kafka_message_t* const message = rd_kafka_consumer_poll(consumer.get(), patience_ms);
        if (!message) break;
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
            --left;
        else if (!message->err)
            order.take(static_cast<const char*>(message->payload), message->len);
        rd_kafka_message_destroy(message);
    }
    rd_kafka_consumer_close(consumer.get());
    repeated = order.repeated();
    if (order.wrong() > 0) return std::to_string(order.wrong()) + " events out of their key's order";
    if (order.taken() != chosen.messages)
        return "the topic has " + std::to_string(order.taken()) + " of " + std::to_string(chosen.messages);
    return "";
}

} // namespace corvid::bench
