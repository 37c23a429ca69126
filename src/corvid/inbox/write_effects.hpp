// SPDX-License-Identifier: Apache-2.0
//
// write_effects: marks and recorded effects of many events on a session, in one transaction of two flights:
// `begin` and the marks; then the statements of those whose mark was new, their hooks, and `commit`. If the
// database refuses a statement, what was recorded is written again by bisection; handlers do not run again.
#pragma once

#include <corvid/inbox/effect.hpp>
#include <corvid/inbox/mark_table.hpp>

#include <span>

namespace corvid::inbox_detail {

struct write_outcome {
    enum class fate : std::uint8_t {
        unwritten, ///< not tried, or tried in vain together with others
        again,     ///< refused alone, for a reason that may pass
        settled,   ///< as `outcome` says
    };
    fate what = fate::unwritten;
    result<processing> outcome = processing::already_processed;
};

struct write_report {
    std::vector<write_outcome> each = {};
    /// Why what is unwritten is so, where it is no record's fault: the session, the server, the disk.
    std::optional<error> trouble = {};
};

/// Whose doing it may be that a transaction failed.
enum class blame : std::uint8_t {
    record,   ///< its own statements: refused, deadlock, lock, time; or wrong altogether
    anybody,  ///< the session was lost, the server failed: a record that brings that about does it each time
    database, ///< away, full, read-only, out of sessions, or it lets nobody in: it takes no record
};
[[nodiscard]] blame blame_for(const error& why) noexcept;

/// Writes the effects, all of one group. A record that is refused costs no other its effect; those behind it
/// in its lane stay unwritten, as do those with the id of one that was not written. Each id has its effect
/// once, also where it comes twice in `batch`.
[[nodiscard]] task<write_report> write_effects(store::session& on, mark_table& table,
                                               std::span<effect> batch);

} // namespace corvid::inbox_detail
