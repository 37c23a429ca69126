// SPDX-License-Identifier: Apache-2.0
//
// witness: what the broker holds, read with librdkafka alone, so that nothing under test vouches for itself.
#pragma once

#include "checker.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

typedef struct rd_kafka_s rd_kafka_t; // NOLINT(modernize-use-using): librdkafka's own

namespace corvid::faults {

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
    /// Every record of the topic, from the first to the end as it is now; the id is the record's value.
    /// Throws std::runtime_error when it cannot read them.
    [[nodiscard]] std::vector<processed> records() const;

private:
    std::string topic_;
    std::int32_t partitions_;
    rd_kafka_t* client_;
};

} // namespace corvid::faults
