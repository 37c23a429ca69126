// SPDX-License-Identifier: Apache-2.0
//
// What the demo shows at its end.
#pragma once

#include "punctuality.hpp"
#include "tally.hpp"

#include <filesystem>
#include <iosfwd>
#include <map>
#include <string>

namespace flights {

struct run_figures {
    tally counted; ///< what the database has
    latencies times;
    std::int64_t of_others = 0, misplaced = 0;
    std::int64_t posted_twice = 0, duplicates_skipped = 0;
    std::int64_t cancelled = 0, outbox_published = 0; ///< of the file, and those that came as events
    std::int64_t followed = 0, aircraft = 0;          ///< by rotations
    std::int64_t dead_lettered = 0, retried = 0, order_violations = 0;
    double publish_seconds = 0; ///< from the first flight until all are acknowledged
    double seconds = 0;         ///< from the first flight until all are handled
    std::uint32_t instances = 0;
};

/// The table, and how fast it went.
void print(std::ostream& out, const run_figures& figures, const std::map<std::string, std::string>& names);

/// Why what was counted is not what the file says, in a sentence; empty: it is.
[[nodiscard]] std::string difference(const run_figures& figures, const tally& expected);

/// Throws std::runtime_error. Leaves an empty file where there was none.
void check_can_write(const std::filesystem::path& summary);
/// Throws std::runtime_error.
void write_summary(const std::filesystem::path& file, const run_figures& figures);

} // namespace flights
