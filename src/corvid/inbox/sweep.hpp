// SPDX-License-Identifier: Apache-2.0
//
// inbox_sweep: removes marks that have outlived their retention, every hour, without a writer ever waiting
// for it: on PostgreSQL by turning the parts of the table (inbox/mark_rotation.hpp), on SQLite in small
// batches. Any number of processes may run one; they do not disturb each other.
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
    /// Waits for a round that is under way; on a thread that is no loop.
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
