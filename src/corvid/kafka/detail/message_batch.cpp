// SPDX-License-Identifier: Apache-2.0
#include <corvid/kafka/detail/message_batch.hpp>

#include <algorithm>

namespace corvid::kafka {

message_batch::message_batch(client_handle client, std::span<rd_kafka_message_t* const> messages)
    : client_(std::move(client)),
      count_(messages.size()),
      messages_(std::make_unique_for_overwrite<rd_kafka_message_t*[]>(messages.size())) {
    std::ranges::copy(messages, messages_.get());
}

message_batch::~message_batch() {
    for (std::size_t i = 0; i < count_; ++i)
        rd_kafka_message_destroy(messages_[i]);
}

void message_batch::read_headers(const record& which, header_list& into) const {
    read_headers_of(*static_cast<const rd_kafka_message_t*>(which.native), into);
}

record_batch message_batch::make(const client_handle& client, std::span<rd_kafka_message_t* const> messages) {
    auto owner = std::make_unique<message_batch>(client, messages);
    std::vector<record> records;
    records.reserve(messages.size());
    for (const rd_kafka_message_t* message : messages)
        records.push_back({.key = bytes_of(message->key, message->key_len),
                           .value = bytes_of(message->payload, message->len),
                           .offset = message->offset,
                           .timestamp = timestamp_of(*message),
                           .native = message});
    return {std::move(records), std::move(owner)};
}

} // namespace corvid::kafka
