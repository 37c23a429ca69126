// SPDX-License-Identifier: Apache-2.0
//
// doomed_member: one more member of flights.punctuality, that dies in the middle, without a commit or a word:
// what it has counted and not committed comes again, to the others.
#pragma once

#include "options.hpp"
#include "punctuality.hpp"
#include <corvid/memory/cluster.hpp>

#include <memory>
#include <string>

namespace flights {

class doomed_member {
public:
    virtual ~doomed_member() = default;
    /// As of now; once it is dead, as far as it has told.
    [[nodiscard]] virtual punctuality_counts counts() = 0;
    /// Returns when it is dead.
    virtual void kill() = 0;
    /// Of what it handled, and of what came that should not; nothing is known of another process.
    virtual void sum_up(latencies& times, std::int64_t& misplaced) = 0;
};

/// In this process: its group never hears of it again.
[[nodiscard]] std::unique_ptr<doomed_member> member_in_process(const options& o, const std::string& run,
                                                               std::int64_t rows,
                                                               corvid::memory::cluster& cluster,
                                                               corvid::scheduler& root, board& on);

/// A process of its own; ends, if not killed, with this one. Throws std::runtime_error.
[[nodiscard]] std::unique_ptr<doomed_member> member_process(const options& o, const std::string& run,
                                                            std::int64_t rows);

/// What that process does: o.member_of is set. Tells its counts on standard output, until it is killed.
int serve_as_member(const options& o);

} // namespace flights
