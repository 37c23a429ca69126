// SPDX-License-Identifier: Apache-2.0
//
// partition_reader: one partition of a topic from its first record on, in no group, and then what comes: how
// state that is kept in a topic is read. Everything is called, and its listener told, on the loop that it was
// opened with; nothing blocks.
#pragma once

#include <corvid/base/result.hpp>
#include <corvid/model/record.hpp>

#include <map>
#include <optional>
#include <string>

namespace corvid::broker {

struct reader_settings {
    std::string client_id = "corvid";
    std::map<std::string, std::string> properties = {}; ///< librdkafka's, by name; win (kafka/cluster.hpp)
};

class partition_reader {
public:
    virtual ~partition_reader() = default;

    /// At most `most` records, in order; an empty batch if none waits. The listener is told when some do,
    /// once after an empty answer.
    [[nodiscard]] virtual record_batch take(std::size_t most) = 0;

    /// Everything that was in the log when reading began has been taken: the reader's position, gaps and
    /// markers included, has reached an end that was looked up after that. Stays true.
    [[nodiscard]] virtual bool is_at_end() const = 0;

    /// What keeps it from reading, once each time and as far as the client says (librdkafka does not of a
    /// topic that is not there): unknown_topic, unknown_partition, broker_unreachable, … It goes on trying.
    [[nodiscard]] virtual std::optional<error> take_trouble() = 0;
};

} // namespace corvid::broker
