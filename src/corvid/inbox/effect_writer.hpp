// SPDX-License-Identifier: Apache-2.0
//
// effect_writer: writes what handlers have recorded, many records in one transaction with their marks, each
// effect once an event id.
//
//   corvid::effect_writer writer(database, "billing", [&](std::vector<corvid::settled> done) { … });
//   writer.add({{.tag = 7, .lane = hash_of_key, .mark = {.id = event_id}, .unit = std::move(unit)}});
//
// A transaction closes at max_records, at max_bytes, or when its first record has waited for `linger`; it
// never waits for a handler that still runs. Effects of one lane are written in the order of their coming.
// `settled` tells, once for each effect: processed, already_processed, or the error that refused it. Such an
// error closes its lane: what else of the lane is here or comes is given back with errc::effect_held, in
// order, until reopen(): so nothing overtakes a record that will be tried again. What the database cannot do
// now (it is away, full, read-only) is tried for as long as it takes and reported by write_trouble and
// metrics, never as an outcome. A lost COMMIT is written again, and the marks decide.
//
// Any thread may call it; the sink runs on the database's loop and must not block. Two groups are two
// writers.
#pragma once

#include <corvid/inbox/marked_unit.hpp>

#include <functional>
#include <memory>

namespace corvid {

class metrics;
class write_trouble;

class effect_writer {
public:
    using sink = std::function<void(std::vector<settled>)>;

    /// Throws config_error for settings that cannot work. `db`, `figures` and `trouble` outlive it.
    effect_writer(database& db, std::string group, sink to, const writer_settings& settings = {},
                  metrics* figures = nullptr, write_trouble* trouble = nullptr);
    /// As close(), on a thread that is no loop.
    ~effect_writer();
    effect_writer(const effect_writer&) = delete;
    effect_writer& operator=(const effect_writer&) = delete;

    void add(std::vector<effect> effects);
    void add(effect one);
    /// Nothing more is coming for now: do not wait for it.
    void flush();
    /// What was held of this lane has come back and may be handed in again.
    void reopen(std::uint64_t lane);

    /// A transaction for an event that asks, begun when what was added of its lane before is settled. Add
    /// nothing of that lane until it has ended. effect_held where the lane is closed.
    [[nodiscard]] database_call<std::shared_ptr<marked_unit>> begin(event_mark mark, std::uint64_t lane);

    /// A transaction for events that one handler takes together: it runs on those that are new. Their order
    /// among other effects is the caller's.
    [[nodiscard]] database_call<std::shared_ptr<marked_unit>> begin_batch(std::vector<event_mark> marks);

    /// Lets transactions that are under way end and gives back all other effects with errc::stopped; those
    /// that come later, too. Idempotent.
    void close();

private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

} // namespace corvid
