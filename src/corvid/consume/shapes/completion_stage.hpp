// SPDX-License-Identifier: Apache-2.0
//
// completion_stage: what stands between "its handler said done" and "the record is done"
// (docs/decisions/0015), where that is more than the acknowledgement of what was published: effects that a
// database commits.
//
//   handler ─▶ context::hold_open() ─▶ tally.answered() or refused() ─▶ the record leaves, or is decided upon
//
// Where a record failed, those of its lane that were handed in behind it come again behind it. The stage
// keeps the order of a lane: it refuses what comes behind a failure until the lane is reopened.
#pragma once

#include <corvid/base/error.hpp>

#include <cstdint>

namespace corvid {

class context;
class position_keeper;

class completion_stage {
public:
    virtual ~completion_stage() = default;
    /// Loop only. A record of this lane was not done, and nobody is at work on the lane: what is handed in
    /// from now on begins with it.
    virtual void reopen(std::uint64_t lane) noexcept = 0;
    /// Loop only. The record's dead letter is durable: it waits for what holds it open from here on.
    virtual void dead_lettered(context& record) = 0;
    /// False: what failed was not the record's doing, and the attempt does not count.
    [[nodiscard]] virtual bool is_attempt(const error& why) const noexcept = 0;
    /// Where it keeps a position of its own for each partition; null: it does not. Records that are passed
    /// over are told as dead letters then.
    [[nodiscard]] virtual position_keeper* positions() noexcept { return nullptr; }
};

} // namespace corvid
