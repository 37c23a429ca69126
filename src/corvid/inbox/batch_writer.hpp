// SPDX-License-Identifier: Apache-2.0
//
// write_batch: marks and recorded effects of many events, in one transaction of two flights: `begin` and the
// marks; then the statements of those whose mark was new, their hooks, and `commit`. If the database refuses
// a statement, what was recorded is written again by bisection; handlers do not run again.
#pragma once

#include <corvid/inbox/event_mark.hpp>
#include <corvid/store/database.hpp>

#include <vector>

namespace corvid {

enum class processing : std::uint8_t {
    processed,         ///< its effect is in the database, by this call
    already_processed, ///< its effect was there before
};

struct marked_unit {
    event_mark mark = {};
    unit_of_work unit = {};
};

/// What became of each event, in their order: its effect is there, or the error that refused it. A record
/// that is refused costs no other its effect. A retriable error (the connection, a deadlock, an unknown
/// commit) stands at the event it struck and at all behind it: write those again, the marks decide. Each id
/// has its effect once, also where it comes twice in `batch`: the first one counts. The batch must hold
/// events of one group only.
[[nodiscard]] database_call<std::vector<result<processing>>> write_batch(database& db,
                                                                         std::vector<marked_unit> batch);

} // namespace corvid
