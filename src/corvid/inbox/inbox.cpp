// SPDX-License-Identifier: Apache-2.0
#include <corvid/inbox/inbox.hpp>

namespace corvid {

inbox::inbox(database& db, inbox_settings settings) : db_(db), settings_(std::move(settings)) {
    if (settings_.attempts < 1)
        throw config_error(error(errc::invalid_setting, {.message = "inbox.attempts is below 1"}));
}

task<result<std::optional<transaction>>> inbox::begin_with(const event_mark& event) {
    if (auto valid = inbox_detail::validate(event); !valid) co_return fail(std::move(valid.error()));
    auto beginning = db_.begin();
    auto begun = co_await beginning;
    if (!begun) co_return fail(std::move(begun.error()));
    auto marking = begun->ask(inbox_detail::mark_one(event));
    auto marked = co_await marking;
    if (!marked) co_return fail(std::move(marked.error()));
    if (marked->row_count() == 0) co_return std::optional<transaction>{};
    co_return std::optional<transaction>(*std::move(begun));
}

// A transaction whose fate is unknown, or that the database could not do now, is done again: if its mark is
// there, then so are its effects.
task<result<processing>> inbox::commit(const event_mark& event, transaction first, unit_of_work unit) {
    auto committing = first.commit(unit.copy());
    auto committed = co_await committing;
    if (committed) co_return processing::processed;
    error why = committed.error();
    bool unknown = why.code() == errc::commit_unknown;
    for (int attempt = 1; attempt < settings_.attempts && why.kind() == error_kind::retriable; ++attempt) {
        co_await sleep(settings_.pause * (1 << std::min(attempt - 1, 10)));
        auto outcome = co_await again(event, unit, unknown);
        if (outcome) co_return outcome;
        why = std::move(outcome.error());
        unknown = unknown || why.code() == errc::commit_unknown;
    }
    co_return fail(std::move(why));
}

task<result<processing>> inbox::again(const event_mark& event, const unit_of_work& unit, bool unknown) {
    auto begun = co_await begin_with(event);
    if (!begun) co_return fail(std::move(begun.error()));
    if (!*begun) co_return unknown ? processing::processed : processing::already_processed;
    auto committing = (*begun)->commit(unit.copy());
    auto committed = co_await committing;
    if (!committed) co_return fail(std::move(committed.error()));
    co_return processing::processed;
}

} // namespace corvid
