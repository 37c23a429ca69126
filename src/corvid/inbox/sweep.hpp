// SPDX-License-Identifier: Apache-2.0
//
// inbox_sweep: removes marks that have outlived their retention, every hour, without a writer waiting for it:
// on PostgreSQL by turning the parts of the table (inbox/mark_rotation.hpp), on SQLite in small batches. Any
// number of processes may run one; they do not disturb each other. Where a transaction has read the table and
// stays open, a round gives up after 0.5 s and comes again: so long at most wait others who read the whole
// table, and a writer that has just begun, or was idle while the parts turned.
//
// The longest retention of all groups in processed_events_groups decides: one table serves them all. On
// PostgreSQL a mark lives for one to two retentions.
#pragma once

#include <corvid/inbox/mark_rotation.hpp>
#include <corvid/observe/metrics.hpp>
#include <corvid/store/database.hpp>

namespace corvid {

struct sweep_settings {
    std::string group = {};
    std::chrono::seconds retention = std::chrono::days{7};
    std::chrono::seconds every = std::chrono::hours{1};
    std::chrono::seconds soon{5}; ///< after a round that could not end, or failed
    int batch = 500;              ///< rows of one delete on SQLite
};

class inbox_sweep {
public:
    /// `db` and `figures` outlive it.
    inbox_sweep(database& db, sweep_settings settings, metrics* figures = nullptr);
    /// As close(); on a thread that is no loop, if it was started.
    ~inbox_sweep();
    inbox_sweep(const inbox_sweep&) = delete;
    inbox_sweep& operator=(const inbox_sweep&) = delete;

    /// A round now, and one every `every`. Any thread; once.
    void start();
    /// One round: about how many marks it removed.
    [[nodiscard]] database_call<std::int64_t> run_once();
    /// No further round begins; waits for one that is under way. Idempotent.
    void close();

private:
    struct round;
    struct impl;
    std::shared_ptr<impl> impl_;
};

} // namespace corvid
