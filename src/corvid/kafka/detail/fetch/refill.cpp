// SPDX-License-Identifier: Apache-2.0
#include <corvid/kafka/detail/fetch/refill.hpp>

#include <array>
#include <charconv>
#include <string_view>

namespace corvid::kafka {

namespace {

constexpr int wakes_up_itself_from = 0x02020000;

std::size_t number_of(rd_kafka_t* client, const char* property) {
    std::array<char, 32> text{};
    std::size_t size = text.size();
    std::size_t number = SIZE_MAX;
    if (rd_kafka_conf_get(rd_kafka_conf(client), property, text.data(), &size) == RD_KAFKA_CONF_OK)
        std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

read_ahead::limits limits_of(rd_kafka_t* client) {
    return {.records = number_of(client, "queued.min.messages"),
            .bytes = number_of(client, "queued.max.messages.kbytes") * 1'024};
}

} // namespace

refill::refill(rd_kafka_t* client, const topic_partition& where) {
    if (rd_kafka_version() >= wakes_up_itself_from) return;
    partition_.reset(rd_kafka_topic_partition_list_new(1));
    rd_kafka_topic_partition_list_add(partition_.get(), where.topic.c_str(), where.partition.value);
    known_ = read_ahead(limits_of(client));
}

// The thread that fetches from the partition's leader is woken by whatever is to be sent there. This asks for
// the partition's end, and is gone before there is an answer, which librdkafka then drops.
void refill::after(rd_kafka_t* client, rd_kafka_queue_t* queue, std::span<rd_kafka_message_t* const> taken) {
    if (!partition_) return;
    std::size_t bytes = 0;
    for (const rd_kafka_message_t* each : taken)
        bytes += each->len; // what librdkafka counts, too
    if (!known_.taken(taken.size(), bytes, rd_kafka_queue_length(queue))) return;
    partition_->elems[0].offset = RD_KAFKA_OFFSET_END;
    rd_kafka_offsets_for_times(client, partition_.get(), 0);
}

} // namespace corvid::kafka
