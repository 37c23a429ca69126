// SPDX-License-Identifier: Apache-2.0
//
// asked_unit: the transaction of an event whose handler asks: its mark first, then questions and what was
// recorded between them, then the rest and COMMIT. While it is open it holds a session and its locks.
#pragma once

#include <corvid/inbox/event_mark.hpp>
#include <corvid/store/unit_of_work.hpp>

namespace corvid {

class asked_unit : public unit_reader {
public:
    /// False: the event has had its effect; questions are answered with already_processed, nothing is
    /// written.
    [[nodiscard]] virtual bool any_new() const noexcept = 0;

    /// Writes what `unit` has left, and commits; the unit stays in place meanwhile. A COMMIT whose answer was
    /// lost is looked up by its mark: processed, or a retriable error after which nothing of it is there.
    /// Await it on any loop. Without it the transaction is rolled back when the last owner lets go.
    [[nodiscard]] virtual task<result<processing>> commit(unit_of_work& unit) = 0;
};

/// The same for events that one handler takes together, by their number among them.
class asked_batch : public asked_unit {
public:
    /// False: it has had its effect, or comes twice here and is not the first.
    [[nodiscard]] virtual bool is_new(std::size_t index) const noexcept = 0;
    /// Before commit(): nothing that was recorded is its effect, and it keeps no mark. Where marks have an
    /// order, those behind it keep none either.
    virtual void leave_out(std::size_t index) = 0;
};

} // namespace corvid
