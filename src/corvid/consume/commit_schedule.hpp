// SPDX-License-Identifier: Apache-2.0
//
// commit_schedule: when what is committed. Pure: frontiers in, requests out. One commit is in flight at most;
// a frontier never moves back, and one whose commit failed is part of the next (a timed-out commit may still
// land at the broker: saying it again puts it right, reliability.md b1.10). A note travels with each, and is
// committed anew where it alone has changed.
#pragma once

#include <corvid/model/position.hpp>

#include <map>
#include <string>
#include <vector>

namespace corvid {

class commit_schedule {
public:
    struct entry {
        topic_partition where;
        offset next;
        std::string note = {};
    };

    /// Everything of the partition before `next` is done.
    void advance(const topic_partition& where, offset next, std::string note = {});
    /// Nothing may be committed for it any more: it is revoked or lost.
    void forget(const topic_partition& where);

    /// What to commit now; empty if nothing is new or a commit is in flight. Must be answered with
    /// finished().
    [[nodiscard]] std::vector<entry> begin();
    /// Answers begin(): which of its entries the broker took.
    void finished(const std::vector<entry>& taken);

    [[nodiscard]] bool in_flight() const noexcept { return in_flight_; }
    /// Every frontier is committed.
    [[nodiscard]] bool is_settled() const noexcept;

private:
    struct state {
        offset next{0};
        offset committed{-1};
        std::string note{}, noted{};
        [[nodiscard]] bool is_due() const noexcept { return next > committed || note != noted; }
    };
    std::map<topic_partition, state> partitions_;
    bool in_flight_ = false;
};

} // namespace corvid
