// SPDX-License-Identifier: Apache-2.0
//
// history: what happened in a run, as the sender, the workers and the broker tell it. Times are nanoseconds
// of the machine's steady clock, the same for every process.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace corvid::faults {

/// What a sender was told of a record, and whose it is.
struct fate {
    enum class state : std::uint8_t { pending, acknowledged, not_persisted, possibly_persisted };
    std::uint64_t id = 0;
    std::uint32_t key = 0;
    std::uint32_t seq = 0; ///< of its key, from 0
    state is = state::pending;
    std::int32_t partition = -1;
    std::int64_t offset = -1;
    bool sent_again = false; ///< it was possibly persisted: there twice, perhaps, and behind later ones
};

/// A record was handled: from t0 to t1, in the `epoch`-th assignment of process `pid`.
struct effect {
    std::uint64_t id = 0;
    std::uint32_t key = 0;
    std::uint32_t seq = 0;
    std::int32_t partition = 0;
    std::int64_t offset = 0;
    std::int32_t pid = 0;
    std::int32_t epoch = 0;
    std::int64_t t0 = 0, t1 = 0;
};

/// The next offset to read, as the broker keeps it for the group.
struct committed {
    std::int32_t partition;
    std::int64_t next;
    std::string metadata = {};
};

/// The group's commits at some time between the two.
struct commit_sample {
    std::int64_t asked = 0, answered = 0;
    std::vector<committed> commits;
};

struct history {
    std::vector<fate> sent;
    std::vector<effect> effects;
    std::vector<commit_sample> samples;
    std::vector<std::int64_t> faults; ///< when each began
    std::set<std::pair<std::int32_t, std::int64_t>> given_up =
        {};                      ///< places of records that are dead letters
    std::int64_t load_ended = 0; ///< when the last record was sent
};

} // namespace corvid::faults
