// SPDX-License-Identifier: Apache-2.0
//
// admin: topics and logs of a cluster. Each call blocks at most `timeout` and belongs on no loop: the admin
// thread, a tool, a test. Errors: broker_unreachable, timed_out, topic_exists, unknown_topic, not_authorised,
// broker_refused.
#pragma once

#include <corvid/base/result.hpp>
#include <corvid/model/position.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace corvid::broker {

struct topic_spec {
    topic_name name;
    std::int32_t partitions = 1;
    std::int32_t replication = 1;
    std::map<std::string, std::string> config =
        {}; ///< the broker's own names: cleanup.policy, retention.ms, …
};

struct topic_info {
    topic_name name;
    std::int32_t partitions = 0;
    std::int32_t replication = 0;
};

/// The first offset that is kept, and the one the next record gets.
struct log_range {
    offset begin{0};
    offset end{0};
};

class admin {
public:
    virtual ~admin() = default;
    virtual result<void> create_topic(const topic_spec& spec, std::chrono::milliseconds timeout) = 0;
    virtual result<void> delete_topic(const topic_name& name, std::chrono::milliseconds timeout) = 0;
    [[nodiscard]] virtual result<topic_info> describe_topic(const topic_name& name,
                                                            std::chrono::milliseconds timeout) = 0;
    [[nodiscard]] virtual result<std::vector<topic_info>> list_topics(std::chrono::milliseconds timeout) = 0;
    [[nodiscard]] virtual result<log_range> range_of(const topic_partition& where,
                                                     std::chrono::milliseconds timeout) = 0;
};

} // namespace corvid::broker
