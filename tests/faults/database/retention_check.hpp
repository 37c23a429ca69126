// SPDX-License-Identifier: Apache-2.0
//
// retention_check: what must hold of writers and of their table of marks while the clean-up drops its parts
// and somebody keeps it from doing so. Pure.
//
//   lost     an event without its effect
//   twice    effects that are one too many. An event that came again after the retention may have another.
//   stall    a writer or a reader that waited for a lock of the table, or an event for its commit, longer
//            than the clean-up may hold them up
//   drift    the p99 of what came beside the reader, or after it, against that of what came before, where
//            that of other commits has not become as much slower
//   dead     dead rows beside those of transactions that were begun for the turn before
//   kept     marks that should have gone once nobody was in the way
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace corvid::faults {

/// An event on its way to its effect; times in seconds since the run began.
struct marked_event {
    std::uint32_t id = 0;
    double sent = 0;
    double settled = -1; ///< that it was processed, or had been; below 0: never
};

/// What a run was, and what was seen of it.
struct retention_history {
    std::vector<marked_event> events = {};   ///< in the order of sending
    std::vector<std::uint32_t> effects = {}; ///< the ids that are in the table, as often as they are
    std::vector<marked_event> others = {};   ///< commits to another table: what machine and disk take
    double reader_from = 0, reader_to = 0;
    std::vector<double> turned = {};             ///< when other parts were written
    double writer_wait_s = 0, reader_wait_s = 0; ///< the longest for a lock of a table
    double beside_s = 0;                         ///< the longest commit to another table: the machine's share
    std::uint64_t dead_rows = 0;
    double oldest_mark_s = 0; ///< at the end
};

struct retention_limits {
    double window_s = 1;    ///< of the p99 curve
    double retention_s = 0; ///< that the marks are kept at least
    double kept_s = 0;      ///< and at most, where nobody is in the way
    double stall_s = 0;     ///< for which the clean-up may hold anybody up
    double quick_s = 0;     ///< a p99 below it has not drifted
    double drift = 2;
    std::uint64_t dead_rows_a_turn = 0;
};

/// From sending to settling, by the time of sending.
struct latency_curve {
    std::vector<double> p99_s = {};                 ///< of each window
    double before_s = 0, beside_s = 0, after_s = 0; ///< the median window's, by the reader
    double longest_s = 0;
};

struct retention_findings {
    std::uint64_t lost = 0, twice = 0;
    std::uint64_t repeats = 0, across = 0, late = 0; ///< across a change of parts; after the retention
    latency_curve events = {}, others = {};
    std::vector<std::string> wrong; ///< of the names above

    [[nodiscard]] bool green() const { return wrong.empty(); }
    [[nodiscard]] std::string text() const;
};

[[nodiscard]] retention_findings judge(const retention_history& of, const retention_limits& limits);

} // namespace corvid::faults
