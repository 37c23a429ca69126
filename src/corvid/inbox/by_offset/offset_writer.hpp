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
// its partition until it is added again or dropped. Where another owner has moved the row, it is read again,
// and what lies below it here has been processed; one that was moved back, or is gone, ends the assignment.
// What the database cannot do now is tried for as long as it takes. A lost COMMIT is looked up in the row.
//
// Any thread may call it; the sink runs on the database's loop and must not block. Every effect is told once.
#pragma once

#include <corvid/inbox/asked_unit.hpp>
#include <corvid/inbox/by_offset/offset_mark.hpp>
#include <corvid/inbox/by_offset/offset_run.hpp>

#include <functional>
#include <memory>
#include <vector>

namespace corvid {

class metrics;
class write_trouble;

class offset_writer {
public:
    /// Names one assignment of a partition; yours, never used twice.
    using handle = std::uint64_t;

    struct news {
        handle of;
        std::vector<settled> effects = {};     ///< processed, already_processed, refused, or given back
        std::optional<std::int64_t> next = {}; ///< the row has moved there
        std::optional<error> lost = {};        ///< offset_moved: nothing more is written for this assignment
    };
    using sink = std::function<void(news)>;
    /// Offsets [first, last) that are all records.
    struct span {
        std::int64_t first, last;
    };

    /// Throws config_error for settings that cannot work. `db`, `figures` and `trouble` outlive it.
    offset_writer(database& db, std::string group, sink to, const writer_settings& settings = {},
                  metrics* figures = nullptr, write_trouble* trouble = nullptr);
    /// As close(), on a thread that is no loop.
    ~offset_writer();
    offset_writer(const offset_writer&) = delete;
    offset_writer& operator=(const offset_writer&) = delete;

    /// `then` is told what read_position() says, on the database's loop; errc::stopped after close().
    void read(std::string topic, std::int32_t partition,
              std::function<void(result<std::optional<std::int64_t>>)> then);
    /// `row_known`: there is a row, and it stands at `next`.
    void assign(handle of, std::string topic, std::int32_t partition, std::int64_t next, bool row_known);
    /// What was not written is given back (effect_held), and what comes for it later; a transaction that is
    /// under way ends as it will.
    void revoke(handle of);

    void add(handle of, std::vector<offset_effect> effects);
    void complete(handle of, std::int64_t below);
    void drop(handle of, std::int64_t offset);

    // Or, for who hands in something for each record, instead of complete() (offset_run):
    void expect(handle of, std::vector<span> records);
    void hand_in(handle of, offset_effect what);
    void take_back(handle of, std::int64_t offset);
    void cut_from(handle of, std::int64_t offset);

    /// Records of one assignment, in order, with no other record between them.
    struct stretch {
        handle of;
        std::vector<std::int64_t> offsets;
    };
    /// The transaction of a record that asks, or of those that one handler takes together, numbered through:
    /// begun when all before them are written. effect_held where that is not so within `patience`: whoever is
    /// before them may wait for what they hold. Hand in nothing for these records before that has ended.
    [[nodiscard]] database_call<std::shared_ptr<asked_batch>> begin(std::vector<stretch> all,
                                                                    duration patience);

    /// Nothing more is coming for now: do not wait for it.
    void flush();

    /// Lets transactions that are under way end; gives the rest back, and what comes later. Idempotent.
    void close();

private:
    struct impl;
    class unit;
    std::shared_ptr<impl> impl_;
};

} // namespace corvid
