// SPDX-License-Identifier: Apache-2.0
#include <corvid/inbox/marked_unit.hpp>

#include <algorithm>
#include <utility>

namespace corvid {

marked_unit::marked_unit(database& db, std::shared_ptr<inbox_detail::mark_table> table,
                         std::vector<event_mark> marks, unit_figures figures)
    : db_(db),
      table_(std::move(table)),
      marks_(std::move(marks)),
      figures_(std::move(figures)),
      new_(marks_.size()) {}

task<result<void>> marked_unit::begin_on(marked_unit& self, store::session& on,
                                         store::transaction_state& state, inbox_detail::fresh_ids& fresh) {
    std::vector<const event_mark*> once;
    inbox_detail::fresh_ids seen;
    for (const event_mark& each : self.marks_)
        if (seen.insert(each.id).second) once.push_back(&each);
    std::vector<store::statement> opening = on.begin_held();
    auto marked = co_await inbox_detail::begin_marked(on, state, std::move(opening), *self.table_, once);
    if (!marked) co_return fail(std::move(marked.error()));
    fresh = *std::move(marked);
    co_return result<void>{};
}

task<result<void>> marked_unit::begin() {
    inbox_detail::fresh_ids fresh;
    auto beginning = db_.begin([this, &fresh](store::session& on, store::transaction_state& state) {
        return begin_on(*this, on, state, fresh);
    });
    auto begun = co_await beginning;
    if (!begun) co_return fail(std::move(begun.error()));
    held_.reset();
    if (!fresh.empty()) held_.emplace(*std::move(begun));
    for (std::size_t i = 0; i < marks_.size(); ++i)
        new_[i] = fresh.erase(marks_[i].id) > 0;
    co_return result<void>{};
}

task<result<std::shared_ptr<marked_unit>>> marked_unit::open(database& db,
                                                             std::shared_ptr<inbox_detail::mark_table> table,
                                                             std::vector<event_mark> marks,
                                                             unit_figures figures) {
    for (const event_mark& each : marks)
        if (auto valid = validate(each); !valid) co_return fail(std::move(valid.error()));
    const std::shared_ptr<marked_unit> made(
        new marked_unit(db, std::move(table), std::move(marks), std::move(figures)));
    auto begun = co_await made->begin();
    if (!begun) co_return fail(std::move(begun.error()));
    co_return made;
}

task<result<store::answer>> marked_unit::ask(unit_of_work& unit, store::statement question) {
    if (!held_) co_return fail(errc::already_processed, {.operation = "query"});
    std::vector<store::statement> flight(unit.unsent().begin(), unit.unsent().end());
    flight.push_back(std::move(question));
    auto asking = held_->ask(std::move(flight));
    auto answered = co_await asking;
    if (answered) unit.all_sent();
    co_return answered;
}

// Its mark goes in the transaction that made it: nobody has seen it.
void marked_unit::record_left_out(unit_of_work& into) const {
    std::vector<std::string> ids;
    for (const std::size_t each : left_out_)
        if (new_[each]) ids.push_back(marks_[each].id);
    if (ids.empty()) return;
    for (store::statement& each : table_->unmarking(marks_.front().group, ids))
        into.add(std::move(each));
}

void marked_unit::count(bool was_written) const {
    const auto fresh = static_cast<std::uint64_t>(std::ranges::count(new_, true));
    if (was_written) figures_.processed.add(fresh - left_out_.size());
    figures_.duplicates.add(marks_.size() - fresh);
}

// What was asked may have another answer by now, so nothing is repeated here.
task<result<processing>> marked_unit::commit(unit_of_work& unit) {
    if (!held_) {
        count(false);
        co_return processing::already_processed;
    }
    record_left_out(unit);
    auto committing = held_->commit_with(unit);
    auto committed = co_await committing;
    if (!committed && committed.error().code() != errc::commit_unknown)
        co_return fail(std::move(committed.error()));
    if (!committed) {
        auto settled = co_await settle(std::move(committed.error()));
        if (!settled) co_return settled;
    }
    count(true);
    co_return processing::processed;
}

// Whether the marks are there, of those that should be.
task<result<processing>> marked_unit::settle(error unknown) {
    std::vector<bool> written = new_;
    for (const std::size_t each : left_out_)
        written[each] = false;
    const std::vector<bool> before = new_;
    auto looked = co_await begin();
    held_.reset();
    const std::vector<bool> missing = std::exchange(new_, before);
    if (!looked) co_return fail(std::move(unknown));
    for (std::size_t i = 0; i < marks_.size(); ++i)
        if (written[i] && missing[i])
            co_return fail(
                caused_by(errc::database_busy,
                          {.message = "the connection was lost at COMMIT, and nothing of it was written",
                           .operation = "commit"},
                          std::move(unknown)));
    co_return processing::processed;
}

} // namespace corvid
