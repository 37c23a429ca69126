// SPDX-License-Identifier: Apache-2.0
//
// topic: the partitions of one topic and what its configuration says. Its settings never change once it
// exists.
#pragma once

#include <corvid/broker/admin.hpp>
#include <corvid/memory/detail/partition_log.hpp>

#include <atomic>
#include <memory>
#include <vector>

namespace corvid::memory {

struct topic {
    explicit topic(broker::topic_spec made_as);

    broker::topic_spec spec;
    std::size_t max_message_bytes;
    bool stamped_on_append; ///< message.timestamp.type=LogAppendTime
    std::vector<std::unique_ptr<partition_log>> partitions;
    std::atomic<bool> deleted{false};

    [[nodiscard]] partition_log* log_of(partition_id which) noexcept {
        const bool there = which.value >= 0 && which.value < spec.partitions;
        return there ? partitions[static_cast<std::size_t>(which.value)].get() : nullptr;
    }
};

/// Refuses what a broker refuses: broker_refused with the reason.
[[nodiscard]] result<std::shared_ptr<topic>> make_topic(const broker::topic_spec& spec);

} // namespace corvid::memory
