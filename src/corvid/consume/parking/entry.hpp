// SPDX-License-Identifier: Apache-2.0
//
// parked: the topics beside a topic whose subscription parks dead keys (when_rejected::park_key), and what is
// asked of their owner.
//
//   {topic}.{group}.parked        later records of dead keys, as they came; partition of the source
//   {topic}.{group}.parked-keys   compacted; partition of the source. `dead:P:KEY` -> `corvid1;at=O`: key KEY
//   of
//                                 source partition P died with the record at offset O.
//                                 `ask:P:KEY` -> `corvid1;release` or `corvid1;discard`: what its owner shall
//                                 do.
//
// Both have as many partitions as the topic. Marks (`dead:`) are written by the owner of the source
// partition, commands (`ask:`) by anybody, from any process; a tombstone takes either back. A command is for
// the death whose mark it comes behind in the log.
#pragma once

#include <corvid/base/result.hpp>
#include <corvid/model/position.hpp>
#include <corvid/model/record.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace corvid {

class publisher;

/// `{topic}.{group}.parked`
[[nodiscard]] std::string parked_topic(const topic_name& of, const std::string& group);
/// `{topic}.{group}.parked-keys`
[[nodiscard]] std::string parked_keys_topic(const topic_name& of, const std::string& group);

/// release: the key's parked records go through the handler, in order, before any newer record of the key.
/// discard: those that are parked when the owner takes it up are dropped, each with a line in the log; what
/// comes later runs. Then the key lives again. A record that fails for good while it is released is a dead
/// letter like any other, what is behind it stays parked, and the command is over.
enum class parked_command : std::uint8_t { release, discard };
[[nodiscard]] std::string_view to_string(parked_command what) noexcept;

/// A record of the parked-keys topic.
struct parked_entry {
    partition_id partition{0}; ///< of the source
    std::string key;
    bool asks = false;                          ///< it is a command
    std::optional<offset> at = {};              ///< where the key died
    std::optional<parked_command> command = {}; ///< neither: a tombstone

    [[nodiscard]] std::string record_key() const;
    [[nodiscard]] std::string record_value() const;
    /// None: it is not corvid's.
    [[nodiscard]] static std::optional<parked_entry> read(const record& what);
    friend bool operator==(const parked_entry&, const parked_entry&) = default;
};

/// What a parked record was in its source.
struct parked_origin {
    topic_partition where;
    offset at;
    header_list its_headers; ///< without what came to them on the way; views into what was read

    /// None: it is not corvid's.
    [[nodiscard]] static std::optional<parked_origin> read(const header_list& its_headers);
};

/// Writes an entry. `then(its offset there: it is durable)` runs once, on the delivery loop or here. Any
/// thread.
void send_parked_entry(publisher& by, const topic_name& home, const std::string& group,
                       const parked_entry& what, std::function<void(result<offset>)> then);

/// Asks the owner of `where` to release or discard what is parked of `key`, whichever process that is.
/// `then(none: it is asked)` runs once, on the delivery loop or here; that it is done shows as a tombstone.
/// Asking for a key that is not dead does nothing. Any thread.
void ask_parked(publisher& by, const topic_partition& where, const std::string& group, std::string_view key,
                parked_command what, std::function<void(std::optional<error>)> then);

} // namespace corvid
