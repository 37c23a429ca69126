// SPDX-License-Identifier: Apache-2.0
//
// mark_table: the statements that mark events in processed_events, and which of them were new. Knows the turn
// of PostgreSQL's parts (inbox/mark_rotation.hpp) as far as the database has told. On the database's loop.
#pragma once

#include <corvid/inbox/event_mark.hpp>
#include <corvid/inbox/mark_rotation.hpp>
#include <corvid/store/session.hpp>
#include <corvid/store/transaction_state.hpp>

#include <span>
#include <string>
#include <unordered_set>
#include <vector>

namespace corvid::inbox_detail {

/// Ids that had no mark before this transaction.
using fresh_ids = std::unordered_set<std::string>;

class mark_table {
public:
    /// `loop` gives SQLite's marks their time.
    mark_table(const store::dialect& speech, scheduler& loop) noexcept
        : sqlite_(speech.kind == store::database_kind::sqlite), loop_(loop) {}

    /// Marks of one group, none twice. On PostgreSQL a statement a part, in the order of the ids, so that two
    /// writers never wait for one another in a circle, then one that asks for the turn; on SQLite one a mark.
    [[nodiscard]] std::vector<store::statement> marking(std::span<const event_mark* const> marks) const;

    /// Takes marks back that this transaction has made.
    [[nodiscard]] std::vector<store::statement> unmarking(const std::string& group,
                                                          const std::vector<std::string>& ids) const;

    /// From the answers to what marking() made when turn() was `built_for`; nullopt if that is not the
    /// database's: then what was marked counts nothing, and the next marking() knows better.
    [[nodiscard]] std::optional<fresh_ids> fresh(std::int64_t built_for,
                                                 std::span<const store::answer> answers);

    /// As far as the database has told any of those that share this.
    [[nodiscard]] std::int64_t turn() const noexcept { return turn_; }

private:
    bool sqlite_;
    scheduler& loop_;
    std::int64_t turn_ = 0;
};

/// Begins a transaction in `state`, by `opening`, that holds the marks, and answers which were new; on
/// failure it is rolled back. Errors: what the database says.
[[nodiscard]] task<result<fresh_ids>> begin_marked(store::session& on, store::transaction_state& state,
                                                   std::vector<store::statement> opening, mark_table& table,
                                                   std::span<const event_mark* const> marks);

} // namespace corvid::inbox_detail
