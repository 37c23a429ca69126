// SPDX-License-Identifier: Apache-2.0
//
// offset_writer: writes what handlers have recorded under the mark by offset: the effects of a partition in
// the order of its offsets, in transactions that each cover a run of them without a gap and move the
// partition's row.
//
// A partition is assigned with the position that read_position() gave, or with the group's committed offset
// where there is no row. Handlers may end in any order: each effect is added when its handler has ended, and
// complete() tells that everything below an offset has ended, with an effect or without. One transaction a
// partition is under way at a time, `transactions` in all; it closes as effect_writer's does. One flight
// each.
//
// A record that the database refuses is told with its error, after everything before it is written, and holds
// its partition until it is added again or dropped. Where another owner has moved the row, the partition is
// lost: its effects here are forgotten; read the position and assign it again. What the database cannot do
// now is tried for as long as it takes. A lost COMMIT is looked up in the row.
//
// Any thread may call it; the sink runs on the database's loop and must not block.
#pragma once

#include <corvid/inbox/offset_mark.hpp>
#include <corvid/inbox/offset_run.hpp>

#include <functional>
#include <memory>

namespace corvid {

class metrics;

class offset_writer {
public:
    /// Names one assignment of a partition; yours, never used twice.
    using handle = std::uint64_t;

    struct news {
        handle of;
        std::vector<settled> effects = {};     ///< processed, already_processed, or refused
        std::optional<std::int64_t> next = {}; ///< the row has moved there
        std::optional<error> lost = {};        ///< offset_moved: nothing more comes of this assignment
    };
    using sink = std::function<void(news)>;

    /// Throws config_error for settings that cannot work. `db` and `figures` outlive it.
    offset_writer(database& db, std::string group, sink to, const writer_settings& settings = {},
                  metrics* figures = nullptr);
    /// As close(), on a thread that is no loop.
    ~offset_writer();
    offset_writer(const offset_writer&) = delete;
    offset_writer& operator=(const offset_writer&) = delete;

    /// `row_known`: there is a row, and it stands at `next`.
    void assign(handle of, std::string topic, std::int32_t partition, std::int64_t next, bool row_known);
    /// What was not written is forgotten; a transaction that is under way ends as it will. No news after it.
    void revoke(handle of);

    void add(handle of, std::vector<offset_effect> effects);
    void complete(handle of, std::int64_t below);
    void drop(handle of, std::int64_t offset);
    /// Nothing more is coming for now: do not wait for it.
    void flush();

    /// Lets transactions that are under way end; forgets the rest. Idempotent.
    void close();

private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

} // namespace corvid
