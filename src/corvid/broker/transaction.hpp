// SPDX-License-Identifier: Apache-2.0
//
// transaction: records of many partitions, and the offsets they came from, that appear together or not at all
// (KIP-98, KIP-447). The seam below transact/.
//
// A transactional record_sink and its transaction are one producer: sends between begin() and commit() belong
// to the transaction. Called on one loop, answered on it by the request's node; at most one request at a
// time; never blocks.
//
//   initialise ─▶ ready ─begin─▶ open ─send_offsets*─▶ open ─commit─▶ ready
//                                  └──────── abort ─────────────────▶ ready
//
// An answer says what to do next: `retriable` the same call again with the same arguments, `rejected` abort,
// `fatal` close the producer and make another. A commit whose outcome is unknown is fatal with
// persistence::possibly: read the group's committed offsets, never send again from memory (reliability.md
// b2.26).
#pragma once

#include <corvid/base/result.hpp>
#include <corvid/base/scheduler.hpp>
#include <corvid/broker/record_sink.hpp>
#include <corvid/model/position.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace corvid::broker {

struct transaction_request : work {
    using work::work;
    std::optional<error> failure = {};
    persistence persisted = persistence::no; ///< of the transaction as a whole, where failure is set
};

/// The group membership that fences offsets: taken when the batch was taken, of a joined member (generation
/// >= 0).
struct group_metadata {
    std::string group;
    std::vector<std::byte> opaque; ///< the client's own form
};

class transaction {
public:
    virtual ~transaction() = default;
    /// Fences older producers of the same transactional id and ends what they left open. Once, first.
    virtual void initialise(transaction_request& request) = 0;
    [[nodiscard]] virtual result<void> begin() = 0;
    /// Adds the next offsets to read, committed if and only if the transaction is.
    virtual void send_offsets(const group_metadata& member,
                              std::vector<std::pair<topic_partition, offset>> next,
                              transaction_request& request) = 0;
    virtual void commit(transaction_request& request) = 0;
    virtual void abort(transaction_request& request) = 0;
};

} // namespace corvid::broker
