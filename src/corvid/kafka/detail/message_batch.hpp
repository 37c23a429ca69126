// SPDX-License-Identifier: Apache-2.0
//
// message_batch: owns the messages that one take() brought, frees them as a whole, and keeps their client
// alive until then.
#pragma once

#include <corvid/kafka/detail/client.hpp>
#include <corvid/kafka/detail/message.hpp>
#include <corvid/model/record.hpp>

#include <memory>
#include <span>

namespace corvid::kafka {

class message_batch final : public batch_owner {
public:
    /// Takes the messages over.
    message_batch(client_handle client, std::span<rd_kafka_message_t* const> messages);
    ~message_batch() override;
    message_batch(const message_batch&) = delete;
    message_batch& operator=(const message_batch&) = delete;

    void read_headers(const record& which, header_list& into) const override;

    /// The messages as a batch of records, in their order. None may be an error.
    [[nodiscard]] static record_batch make(const client_handle& client,
                                           std::span<rd_kafka_message_t* const> messages);

private:
    client_handle client_;
    std::size_t count_;
    std::unique_ptr<rd_kafka_message_t*[]> messages_;
};

} // namespace corvid::kafka
