// SPDX-License-Identifier: Apache-2.0
//
// position_keeper: a completion stage's own position of each partition, in a database, behind which every
// record is done (docs/decisions/0017). Reading begins there, not at the group's commit, and the stage is
// told of every record, since it moves the position behind all of them in order.
//
//   find ─▶ check ─▶ begin ─▶ took … (hand in, by the completion stage) ─▶ cut_from ─▶ end
//
// All but the callbacks on the group's loop.
#pragma once

#include <corvid/base/result.hpp>
#include <corvid/broker/admin.hpp>
#include <corvid/model/record.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

namespace corvid {

class position_keeper {
public:
    virtual ~position_keeper() = default;

    /// Tells `then`, on any thread, where the partition's position is; none: it has none yet.
    virtual void find(const topic_partition& of, std::function<void(result<std::optional<offset>>)> then) = 0;
    /// Why reading cannot go on there.
    [[nodiscard]] virtual result<void> check(const topic_partition& of, offset position,
                                             const broker::log_range& log) const = 0;

    /// An assignment begins at its position, or, where there is none, at the first record. `lost` is told, on
    /// any thread, that the position was moved back and everything must be read anew. Answers its ticket.
    [[nodiscard]] virtual std::uint64_t begin(const topic_partition& of, offset first, bool is_position,
                                              std::function<void(const error&)> lost) = 0;
    /// These are records, in order; what lies between is none.
    virtual void took(std::uint64_t ticket, std::span<const record> records) = 0;
    /// A record that may have been handed in is handed in once more.
    virtual void take_back(std::uint64_t ticket, offset which) = 0;
    /// No record from here on is waited for: those that were handed in are given back.
    virtual void cut_from(std::uint64_t ticket, offset from) = 0;
    /// The assignment is over.
    virtual void end(std::uint64_t ticket) = 0;
};

} // namespace corvid
