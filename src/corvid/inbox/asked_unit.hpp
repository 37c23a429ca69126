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

} // namespace corvid
