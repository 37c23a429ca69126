// SPDX-License-Identifier: Apache-2.0
//
// offset_committer: what a group has read, kept at the broker. Called and answered on the source's loop;
// never blocks.
#pragma once

#include <corvid/base/result.hpp>
#include <corvid/base/scheduler.hpp>
#include <corvid/model/position.hpp>

#include <optional>
#include <string>
#include <vector>

namespace corvid::broker {

struct committed_offset {
    topic_partition where;
    std::optional<offset> next = {};   ///< the one to read next; none: nothing was ever committed
    std::string metadata = {};         ///< text, kept with the offset
    std::optional<error> failure = {}; ///< for this partition alone
};

/// A request and, when its node runs on the loop, its answer. Stays alive and in place until then; the node
/// always runs, also when the source is closed meanwhile. A timed-out commit may still reach the broker.
struct offset_request : work {
    using work::work;
    std::vector<committed_offset> offsets;
    std::optional<error> failure = {}; ///< for the request as a whole: nothing is known to be committed
};

class offset_committer {
public:
    virtual ~offset_committer() = default;
    /// Commits offsets[i].next and .metadata. Failures of single partitions are written into their entries;
    /// assignment_lost means that another member owns the partition by now.
    virtual void commit(offset_request& request) = 0;
    /// Reads what is committed for offsets[i].where into .next and .metadata.
    virtual void committed(offset_request& request) = 0;
};

} // namespace corvid::broker
