// SPDX-License-Identifier: Apache-2.0
#include <corvid/inbox/marked_unit.hpp>

namespace corvid {

task<result<void>> marked_unit::begin_on(marked_unit& self, store::session& on,
                                         store::transaction_state& state, bool& is_new) {
    const event_mark* const one = &self.mark_;
    auto fresh = co_await inbox_detail::begin_marked(on, state, *self.table_, {&one, 1});
    if (!fresh) co_return fail(std::move(fresh.error()));
    is_new = !fresh->empty();
    co_return result<void>{};
}

task<result<void>> marked_unit::begin() {
    bool is_new = false;
    auto beginning = db_.begin([this, &is_new](store::session& on, store::transaction_state& state) {
        return begin_on(*this, on, state, is_new);
    });
    auto begun = co_await beginning;
    if (!begun) co_return fail(std::move(begun.error()));
    held_.reset();
    if (is_new) held_.emplace(*std::move(begun));
    co_return result<void>{};
}

task<result<std::shared_ptr<marked_unit>>> marked_unit::open(database& db,
                                                             std::shared_ptr<inbox_detail::mark_table> table,
                                                             event_mark mark) {
    if (auto valid = validate(mark); !valid) co_return fail(std::move(valid.error()));
    const std::shared_ptr<marked_unit> made(new marked_unit(db, std::move(table), std::move(mark)));
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
