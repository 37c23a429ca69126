// SPDX-License-Identifier: Apache-2.0
//
// admin: broker::admin on a client of its own. Blocks as that contract says.
#pragma once

#include <corvid/broker/admin.hpp>
#include <corvid/kafka/detail/client.hpp>

namespace corvid::kafka {

class admin final : public broker::admin {
public:
    explicit admin(client_handle client);

    result<void> create_topic(const broker::topic_spec& spec, std::chrono::milliseconds timeout) override;
    result<void> delete_topic(const topic_name& name, std::chrono::milliseconds timeout) override;
    [[nodiscard]] result<broker::topic_info> describe_topic(const topic_name& name,
                                                            std::chrono::milliseconds timeout) override;
    [[nodiscard]] result<std::vector<broker::topic_info>> list_topics(
        std::chrono::milliseconds timeout) override;
    [[nodiscard]] result<broker::log_range> range_of(const topic_partition& where,
                                                     std::chrono::milliseconds timeout) override;

private:
    void await_topic(const topic_name& name, std::chrono::milliseconds patience);
    [[nodiscard]] result<metadata_handle> ask(rd_kafka_topic_t* topic, std::chrono::milliseconds timeout);
    [[nodiscard]] result<event_handle> wait_for(rd_kafka_queue_t* queue, std::chrono::milliseconds timeout,
                                                const error_details& subject);

    client_handle client_;
};

} // namespace corvid::kafka
