// SPDX-License-Identifier: Apache-2.0
//
// refill: has a partition's queue filled again, as read_ahead decides.
#pragma once

#include <corvid/kafka/detail/fetch/read_ahead.hpp>
#include <corvid/kafka/detail/handles.hpp>
#include <corvid/model/position.hpp>

#include <span>

namespace corvid::kafka {

class refill {
public:
    /// Of no partition.
    refill() noexcept = default;
    /// The client's own limits count, also where they were given as properties.
    refill(rd_kafka_t* client, const topic_partition& where);

    /// What was taken from its queue, and is still there; from the one thread that takes. Never waits.
    void after(rd_kafka_t* client, rd_kafka_queue_t* queue, std::span<rd_kafka_message_t* const> taken);

private:
    partitions_handle partition_;
    read_ahead known_;
};

} // namespace corvid::kafka
