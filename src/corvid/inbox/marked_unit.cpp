// SPDX-License-Identifier: Apache-2.0
#include <corvid/inbox/marked_unit.hpp>

namespace corvid {

marked_unit::marked_unit(database& db, std::shared_ptr<inbox_detail::mark_table> table,
                         std::vector<event_mark> marks)
    : db_(db), table_(std::move(table)), marks_(std::move(marks)), new_(marks_.size()) {}

task<result<void>> marked_unit::begin_on(marked_unit& self, store::session& on,
                                         store::transaction_state& state, inbox_detail::fresh_ids& fresh) {
    std::vector<const event_mark*> once;
    inbox_detail::fresh_ids seen;
    for (const event_mark& each : self.marks_)
        if (seen.insert(each.id).second) once.push_back(&each);
    auto marked = co_await inbox_detail::begin_marked(on, state, *self.table_, once);
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
                                                             std::vector<event_mark> marks) {
    for (const event_mark& each : marks)
        if (auto valid = validate(each); !valid) co_return fail(std::move(valid.error()));
    const std::shared_ptr<marked_unit> made(new marked_unit(db, std::move(table), std::move(marks)));
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

// What was asked may have another answer by now, so nothing is repeated here.
task<result<processing>> marked_unit::commit(unit_of_work& unit) {
    if (!held_) co_return processing::already_processed;
    auto committing = held_->commit_with(unit);
    auto committed = co_await committing;
    if (committed) co_return processing::processed;
    if (committed.error().code() != errc::commit_unknown) co_return fail(std::move(committed.error()));
    auto looked = co_await begin();
    if (!looked) co_return fail(std::move(committed.error()));
    if (!held_) co_return processing::processed;
    held_.reset();
    co_return fail(caused_by(errc::database_busy,
                             {.message = "the connection was lost at COMMIT, and nothing of it was written",
                              .operation = "commit"},
                             std::move(committed.error())));
}

} // namespace corvid
