// SPDX-License-Identifier: Apache-2.0
//
// mark_table: the statements that mark events in processed_events, and which of them were new. Knows the turn
// of PostgreSQL's parts (inbox/mark_rotation.hpp) as far as the database has told, and which marks are
// probably new (inbox/mark_optimism.hpp). On the database's loop.
#pragma once

#include <corvid/inbox/event_mark.hpp>
#include <corvid/inbox/mark_optimism.hpp>
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
using mark_list = std::vector<const event_mark*>;

/// What is sent to mark events.
struct marking {
    std::vector<store::statement> statements = {};
    std::int64_t turn = 0; ///< that they are written for
    mark_list hoped = {};  ///< to be new: the first statement inserts these without looking
};

class mark_table {
public:
    /// `loop` gives SQLite's marks their time.
    mark_table(const store::dialect& speech, scheduler& loop) noexcept
        : sqlite_(speech.kind == store::database_kind::sqlite), loop_(loop) {}

    /// Marks of one group, none twice. On PostgreSQL those that seem new in one statement, unless
    /// `carefully`, then a statement a part, each in the order of the ids, so that two writers hardly
    /// ever wait for one another in a circle, then one that asks for the turn; on SQLite one a mark.
    [[nodiscard]] marking mark(std::span<const event_mark* const> marks, bool carefully);

    /// Takes marks back that this transaction has made.
    [[nodiscard]] std::vector<store::statement> unmarking(const std::string& group,
                                                          const std::vector<std::string>& ids) const;

    /// From the answers to what mark() made. None: nothing of it counts, roll back, and mark with care; the
    /// turn is another, or a mark that was hoped for is in the part before.
    [[nodiscard]] std::optional<fresh_ids> fresh(const marking& asked,
                                                 std::span<const store::answer> answers);
    /// The statements were refused so. True: a mark that was hoped for is there; the same.
    [[nodiscard]] bool was_refuted(const marking& asked, const error& why) noexcept;

private:
    bool sqlite_;
    scheduler& loop_;
    std::int64_t turn_ = 0; ///< as far as the database has told any of those that share this
    mark_optimism optimism_;
};

/// Begins a transaction in `state`, by `opening`, that holds the marks, and answers which were new; on
/// failure it is rolled back. Errors: what the database says.
[[nodiscard]] task<result<fresh_ids>> begin_marked(store::session& on, store::transaction_state& state,
                                                   std::vector<store::statement> opening, mark_table& table,
                                                   std::span<const event_mark* const> marks);

} // namespace corvid::inbox_detail
