// SPDX-License-Identifier: Apache-2.0
//
// checker: what must hold of a group's work, however it was disturbed. Pure; fed in the order in which things
// happened.
//
//   lost            acknowledged to its sender, and never processed
//   below_commit    processed again although a later offset was committed before
//   ahead_of_work   a commit was seen for a record that was not processed yet
//   out_of_order    not the next of its partition, where no new life (or, if allowed, no new assignment)
//   explains a return misplaced       processed at another place than its sender was told phantom processed
//   although its sender was told that it is not in the log
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace corvid::faults {

struct processed {
    std::int32_t partition;
    std::int64_t offset;
    std::uint64_t id;
};

/// The next offset to read, as the broker keeps it for the group.
struct committed {
    std::int32_t partition;
    std::int64_t next;
};

/// What a sender was told of a record.
struct fate {
    enum class state : std::uint8_t { pending, acknowledged, not_persisted, possibly_persisted };
    state is = state::pending;
    std::int32_t partition = -1;
    std::int64_t offset = -1;
};

struct findings {
    std::uint64_t processed = 0; ///< again and again included
    std::uint64_t redelivered = 0;
    std::uint64_t lost = 0, below_commit = 0, ahead_of_work = 0, out_of_order = 0, misplaced = 0, phantom = 0;
    std::vector<std::string> examples = {}; ///< of what is wrong, at most ten

    [[nodiscard]] bool green() const noexcept {
        return lost + below_commit + ahead_of_work + out_of_order + misplaced + phantom == 0;
    }
    [[nodiscard]] std::string text() const;
};

class checker {
public:
    /// `returns_within_a_life`: a group that lost its broker may be assigned anew, and begin anew from its
    /// commit.
    explicit checker(bool returns_within_a_life) noexcept : returns_(returns_within_a_life) {}

    /// A new process begins from what is committed.
    void life_begins();
    void saw(const processed& record);
    /// All that the group did before the commit was seen has been fed, and nothing that it began after.
    void saw(const committed& at);
    /// Judges what was fed against what was sent.
    [[nodiscard]] findings conclude(const std::map<std::uint64_t, fate>& sent) const;

private:
    struct partition_state {
        std::int64_t highest = -1, last = -1, floor = -1;
        bool fresh = true;
    };
    void note(std::uint64_t& counter, std::string example);

    bool returns_;
    std::map<std::int32_t, partition_state> partitions_;
    std::map<std::uint64_t, processed> places_;
    findings found_;
};

} // namespace corvid::faults
