// SPDX-License-Identifier: Apache-2.0
//
// message_batch: owns the messages that one take() brought, frees them as a whole, and keeps their client
// alive until then. batch_store: batches that are over, for the next take(): no malloc once warm.
#pragma once

#include <corvid/kafka/detail/client.hpp>
#include <corvid/kafka/detail/message.hpp>
#include <corvid/model/record.hpp>

#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace corvid::kafka {

class batch_store;

class message_batch final : public batch_owner {
public:
    message_batch() = default;
    ~message_batch() override { free_messages(); }
    message_batch(const message_batch&) = delete;
    message_batch& operator=(const message_batch&) = delete;

    void read_headers(const record& which, header_list& into) const override;
    void end_batch(std::vector<record>&& records) noexcept override;

    /// The messages, which it takes over, as a batch of records, in their order. None may be an error.
    [[nodiscard]] static record_batch make(const client_handle& client,
                                           const std::shared_ptr<batch_store>& store,
                                           std::span<rd_kafka_message_t* const> messages);

private:
    void free_messages() noexcept;

    client_handle client_;
    std::shared_ptr<batch_store> store_; // null while it lies there
    std::vector<rd_kafka_message_t*> messages_;
    std::vector<record> records_; // its memory, between two batches
};

/// Any thread.
class batch_store {
public:
    [[nodiscard]] std::unique_ptr<message_batch> take();
    void give(std::unique_ptr<message_batch> batch) noexcept;

private:
    static constexpr std::size_t most = 64;
    std::mutex mutex_;
    std::vector<std::unique_ptr<message_batch>> spare_;
};

} // namespace corvid::kafka
