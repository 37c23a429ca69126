// SPDX-License-Identifier: Apache-2.0
//
// marked_unit: the transaction of an event that asks: its mark comes first, then questions and what was
// recorded between them, then the rest and COMMIT. While it is open it holds a session and its locks.
#pragma once

#include <corvid/inbox/effect.hpp>
#include <corvid/inbox/mark_table.hpp>
#include <corvid/store/database.hpp>

#include <memory>

namespace corvid {

class marked_unit final : public unit_reader {
public:
    /// Begins the transaction with the marks, of one group. `db` outlives what it gives. On the database's
    /// loop. Errors: those of validate(), and what the database says.
    [[nodiscard]] static task<result<std::shared_ptr<marked_unit>>> open(
        database& db, std::shared_ptr<inbox_detail::mark_table> table, std::vector<event_mark> marks);

    /// False: this one of the events has had its effect, or comes twice here and is not the first.
    [[nodiscard]] bool is_new(std::size_t index = 0) const noexcept { return new_[index]; }
    /// False: there is nothing to do; questions are answered with already_processed, nothing is written.
    [[nodiscard]] bool any_new() const noexcept { return held_.has_value(); }

    [[nodiscard]] task<result<store::answer>> ask(unit_of_work& unit, store::statement question) override;

    /// Writes what `unit` has left, and commits; the unit stays in place meanwhile. A COMMIT whose answer was
    /// lost is looked up by its mark: processed, or a retriable error after which nothing of it is there.
    /// Await it on any loop. Without it the transaction is rolled back when the last owner lets go.
    [[nodiscard]] task<result<processing>> commit(unit_of_work& unit);

private:
    marked_unit(database& db, std::shared_ptr<inbox_detail::mark_table> table, std::vector<event_mark> marks);
    [[nodiscard]] task<result<void>> begin();
    static task<result<void>> begin_on(marked_unit& self, store::session& on, store::transaction_state& state,
                                       inbox_detail::fresh_ids& fresh);

    database& db_;
    std::shared_ptr<inbox_detail::mark_table> table_;
    std::vector<event_mark> marks_;
    std::vector<bool> new_;
    std::optional<transaction> held_;
};

} // namespace corvid
