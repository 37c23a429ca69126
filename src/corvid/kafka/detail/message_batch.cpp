// SPDX-License-Identifier: Apache-2.0
#include <corvid/kafka/detail/message_batch.hpp>

#include <utility>

namespace corvid::kafka {

void message_batch::free_messages() noexcept {
    for (rd_kafka_message_t* message : messages_)
        rd_kafka_message_destroy(message);
    messages_.clear();
}

void message_batch::read_headers(const record& which, header_list& into) const {
    const auto& message = *static_cast<const rd_kafka_message_t*>(which.native);
    if (records_stand_in_place && is_received_without_headers(message)) return;
    read_headers_of(message, into);
}

void message_batch::end_batch(std::vector<record>&& records) noexcept {
    free_messages();
    client_.reset();
    records.clear();
    records_ = std::move(records);
    const std::shared_ptr<batch_store> store = std::exchange(store_, nullptr);
    store->give(std::unique_ptr<message_batch>(this));
}

record_batch message_batch::make(const client_handle& client, const std::shared_ptr<batch_store>& store,
                                 std::span<rd_kafka_message_t* const> messages) {
    auto owner = store->take();
    owner->client_ = client;
    owner->store_ = store;
    owner->messages_.assign(messages.begin(), messages.end());
    std::vector<record> records = std::move(owner->records_);
    records.reserve(messages.size());
    for (const rd_kafka_message_t* message : messages) {
        __builtin_prefetch(message->payload); // its handler's first look would wait for it
        record& one = records.emplace_back(); // filled in place: a copy would wait for its own writes
        one.key = bytes_of(message->key, message->key_len);
        one.value = bytes_of(message->payload, message->len);
        one.offset = message->offset;
        one.timestamp = timestamp_of(*message);
        one.native = message;
    }
    return {std::move(records), std::move(owner)};
}

std::unique_ptr<message_batch> batch_store::take() {
    {
        const std::lock_guard lock(mutex_);
        if (!spare_.empty()) {
            auto last = std::move(spare_.back());
            spare_.pop_back();
            return last;
        }
        spare_.reserve(most);
    }
    return std::make_unique<message_batch>();
}

void batch_store::give(std::unique_ptr<message_batch> batch) noexcept {
    const std::lock_guard lock(mutex_);
    if (spare_.size() < most) spare_.push_back(std::move(batch));
}

} // namespace corvid::kafka
