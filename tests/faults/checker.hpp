// SPDX-License-Identifier: Apache-2.0
//
// checker: what must hold of a group's work, however it was disturbed. Pure.
//
//   lost             acknowledged to its sender, and neither handled nor a dead letter
//   reorder          handled before one of its key that was sent and acknowledged earlier; or again in the
//   assignment that had
//                    handled it already
//   overlap          two of one key at once, in one process
//   overlap_between  the same, in two processes: a stopped one cannot know that it was replaced
//   rewind           a commit moved back
//   ahead_of_work    a commit was seen for a record that was not handled yet
//   below_commit     begun although a later offset had been seen committed
//   misplaced        handled at another place than its sender was told, or at two
//   phantom          handled although its sender was told that it is not in the log
#pragma once

#include "history.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace corvid::faults {

/// What the fault of a run excuses.
struct allowance {
    std::uint64_t duplicates = 0;
    bool zombies = false; ///< processes that stood still while they were replaced finish what they hold
};

struct findings {
    std::uint64_t handled = 0; ///< again and again included
    std::uint64_t duplicates = 0;
    std::uint64_t lost = 0, reorder = 0, overlap = 0, overlap_between = 0, rewind = 0, ahead_of_work = 0,
                  below_commit = 0, misplaced = 0, phantom = 0;
    double max_stall_s = 0;                 ///< the longest that a partition stood still under load
    std::vector<double> recoveries_s = {};  ///< of each fault: until every partition had moved again, sorted
    std::vector<std::string> examples = {}; ///< of what is wrong, at most ten

    [[nodiscard]] double recovery_s(double share) const;
    [[nodiscard]] bool green(const allowance& excused = {}) const;
    [[nodiscard]] std::string text() const;
};

[[nodiscard]] findings judge(const history& of);

} // namespace corvid::faults
