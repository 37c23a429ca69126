// SPDX-License-Identifier: Apache-2.0
//
// witness: what the broker holds, read with librdkafka alone, so that nothing under test vouches for itself.
#pragma once

#include "history.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

typedef struct rd_kafka_s rd_kafka_t; // NOLINT(modernize-use-using): librdkafka's own

namespace corvid::faults {

/// A record as it is in its topic.
struct stored {
    std::int32_t partition = 0;
    std::int64_t offset = 0;
    std::string value;
    std::map<std::string, std::string> headers;

    /// The number behind "id": in the value; a sender of these tests wrote it.
    [[nodiscard]] std::uint64_t id() const;
};

class witness {
public:
    /// `group`: whose commits it asks for; it never joins it. Throws std::runtime_error.
    witness(const std::string& bootstrap, std::string topic, std::int32_t partitions,
            const std::string& group);
    ~witness();
    witness(const witness&) = delete;
    witness& operator=(const witness&) = delete;

    /// What the group has committed; none if the broker did not answer in time.
    [[nodiscard]] std::optional<std::vector<committed>> commits(std::chrono::milliseconds patience) const;
    /// The ends of the topic's partitions together; none if the broker did not answer in time.
    [[nodiscard]] std::optional<std::int64_t> end(std::chrono::milliseconds patience) const;
    /// Every record of a topic with as many partitions, from the first to the end as it is now. Throws
    /// std::runtime_error when it cannot read them.
    [[nodiscard]] std::vector<stored> records(const std::string& topic) const;
    [[nodiscard]] std::vector<stored> records() const { return records(topic_); }
    /// The node that leads a partition of the topic; 0: not known.
    [[nodiscard]] int leader_of(std::int32_t partition) const;

private:
    void learn_leaders(std::chrono::milliseconds patience) const;

    std::string topic_;
    std::int32_t partitions_;
    rd_kafka_t* client_;
};

} // namespace corvid::faults
