// SPDX-License-Identifier: Apache-2.0
//
// event_checker: what must hold of an outbox and of the topic that its relays filled. Pure.
//
//   missing    its COMMIT was answered, and the table does not have it
//   lost       committed, and neither in the topic nor parked
//   ghost      in the topic, and not committed
//   reorder    came, for the first time, after an event of its aggregate that was committed later
//   misparked  parked although nothing is wrong with it, or poison that came all the same
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace corvid::faults {

struct committed_event {
    std::string id, key;
    std::int64_t at_us = 0; ///< when it was committed, by the server's clock
};
struct sent_event {
    std::string id, key;
    std::int64_t at_ms = 0; ///< when the broker appended it
};

struct event_history {
    std::vector<committed_event> committed; ///< in the order of commits, within a transaction of calls
    std::vector<sent_event> sent;           ///< partition by partition, in the order of offsets
    std::set<std::string> answered;         ///< whose COMMIT was answered
    std::set<std::string> poison;           ///< that no broker takes
    std::set<std::string> parked;
    std::set<std::string> late_keys; ///< of transactions that stay open for long: no lag is counted
};

struct event_findings {
    std::uint64_t missing = 0, lost = 0, ghost = 0, reorder = 0, misparked = 0;
    std::uint64_t duplicates = 0;
    double max_lag_s = 0; ///< from commit to append
    std::vector<std::string> examples = {};

    [[nodiscard]] bool green() const noexcept { return missing + lost + ghost + reorder + misparked == 0; }
    [[nodiscard]] std::string text() const;
};

[[nodiscard]] event_findings judge(const event_history& of);

} // namespace corvid::faults
