// SPDX-License-Identifier: Apache-2.0
#include <corvid/inbox/inbox.hpp>

#include <corvid/base/sleep.hpp>

namespace corvid {

namespace {

inbox_settings checked(inbox_settings settings) {
    if (auto valid = validate(settings); !valid) throw config_error(std::move(valid.error()));
    return settings;
}

duration pause_before(const inbox_settings& settings, int attempt) {
    return settings.pause * (1 << std::min(attempt - 1, 10));
}

} // namespace

result<void> validate(const inbox_settings& settings) {
    const auto wrong = [](std::string what) {
        return fail(errc::invalid_setting, {.message = std::move(what)});
    };
    if (settings.attempts < 1) return wrong("inbox.attempts is below 1");
    if (settings.pause.count() < 0) return wrong("inbox.pause is below 0");
    if (settings.retention < std::chrono::seconds{1}) return wrong("inbox.retention is below 1 s");
    if (settings.retention >= settings.redelivery_window || settings.allow_short_retention) return {};
    return fail(errc::conflicting_settings,
                {.message = "inbox.retention (" + std::to_string(settings.retention.count()) +
                            " s) is below inbox.redelivery_window (" +
                            std::to_string(settings.redelivery_window.count()) +
                            " s): an event that comes again after its mark is gone has its effect again",
                 .hint = "raise inbox.retention, or set inbox.allow_short_retention if that may be"});
}

inbox::inbox(database& db, inbox_settings settings, metrics* figures)
    : db_(db),
      settings_(checked(std::move(settings))),
      table_(std::make_shared<inbox_detail::mark_table>(db.dialect(), db.loop())),
      sweep_(db, {.group = settings_.group, .retention = settings_.retention}, figures) {
    if (!figures) return;
    processed_ = figures->counter_of(metric::events_processed, {settings_.group});
    duplicates_ = figures->counter_of(metric::events_duplicates, {settings_.group});
}

result<processing> inbox::counted(result<processing> outcome) const {
    if (outcome) (*outcome == processing::processed ? processed_ : duplicates_).add();
    return outcome;
}

task<result<std::shared_ptr<marked_unit>>> inbox::begin_with(const event_mark& event) {
    for (int attempt = 1;; ++attempt) {
        std::vector<event_mark> one{event};
        auto opening = db_.call(marked_unit::open(db_, table_, std::move(one)));
        auto opened = co_await opening;
        if (opened || opened.error().kind() != error_kind::retriable || attempt >= settings_.attempts)
            co_return opened;
        co_await sleep(pause_before(settings_, attempt));
    }
}

// A transaction whose fate is unknown, or that the database could not do now, is done again: if its mark is
// there, then so are its effects.
task<result<processing>> inbox::finish(const event_mark& event, marked_unit& first, unit_of_work& unit) {
    unit_of_work again = unit.asked() ? unit_of_work{} : unit.copy();
    auto outcome = co_await first.commit(unit);
    bool unknown = false;
    for (int attempt = 1; !outcome && outcome.error().kind() == error_kind::retriable && !unit.asked() &&
                          attempt < settings_.attempts;
         ++attempt) {
        unknown = unknown || outcome.error().code() == errc::commit_unknown;
        co_await sleep(pause_before(settings_, attempt));
        auto begun = co_await begin_with(event);
        if (!begun) {
            outcome = fail(std::move(begun.error()));
            continue;
        }
        unit_of_work repeated = again.copy();
        outcome = co_await (*begun)->commit(repeated);
        if (outcome && *outcome == processing::already_processed && unknown) outcome = processing::processed;
    }
    co_return outcome;
}

} // namespace corvid
