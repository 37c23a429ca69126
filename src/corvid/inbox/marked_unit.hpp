// SPDX-License-Identifier: Apache-2.0
//
// marked_unit: the transaction of an event that asks, or of events that one handler takes together, under the
// mark by event id.
#pragma once

#include <corvid/inbox/asked_unit.hpp>
#include <corvid/inbox/effect.hpp>
#include <corvid/inbox/mark_table.hpp>
#include <corvid/observe/metrics.hpp>
#include <corvid/store/database.hpp>

#include <memory>

namespace corvid {

/// What transactions of handlers count.
struct unit_figures {
    counter processed = {}, duplicates = {};
};

class marked_unit final : public asked_batch {
public:
    /// Begins the transaction with the marks, of one group. `db` outlives what it gives. On the database's
    /// loop. Errors: those of validate(), and what the database says.
    [[nodiscard]] static task<result<std::shared_ptr<marked_unit>>> open(
        database& db, std::shared_ptr<inbox_detail::mark_table> table, std::vector<event_mark> marks,
        unit_figures figures = {});

    [[nodiscard]] bool is_new(std::size_t index) const noexcept override { return new_[index]; }
    void leave_out(std::size_t index) override { left_out_.push_back(index); }
    [[nodiscard]] bool any_new() const noexcept override { return held_.has_value(); }
    [[nodiscard]] task<result<store::answer>> ask(unit_of_work& unit, store::statement question) override;
    [[nodiscard]] task<result<processing>> commit(unit_of_work& unit) override;

private:
    marked_unit(database& db, std::shared_ptr<inbox_detail::mark_table> table, std::vector<event_mark> marks,
                unit_figures figures);
    [[nodiscard]] task<result<void>> begin();
    [[nodiscard]] task<result<processing>> settle(error unknown);
    void record_left_out(unit_of_work& into) const;
    void count(bool was_written) const;
    static task<result<void>> begin_on(marked_unit& self, store::session& on, store::transaction_state& state,
                                       inbox_detail::fresh_ids& fresh);

    database& db_;
    std::shared_ptr<inbox_detail::mark_table> table_;
    std::vector<event_mark> marks_;
    const unit_figures figures_;
    std::vector<bool> new_;
    std::vector<std::size_t> left_out_;
    std::optional<transaction> held_;
};

} // namespace corvid
