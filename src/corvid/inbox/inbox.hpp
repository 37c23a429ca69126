// SPDX-License-Identifier: Apache-2.0
//
// inbox: effects in a database that happen once an event, however often the event comes.
//
//   corvid::inbox in{database, {.group = "billing", .retention = std::chrono::days{7}}};
//   result<int> made = co_await in.migrate();
//   auto outcome = co_await in.process_if_new(event_id, [&](corvid::unit_of_work& db) { db.execute(…); });
//
// What is promised: the SQL effects of an event are in the database exactly once, together with its mark.
// What is not: a function may run more than once for an event (its transaction may fail, the process may
// die), so what it does beside SQL may happen more than once too: send it through the outbox, or give it an
// idempotency key of its own. A mark is kept for `retention`: an event that comes again later has its effect
// again.
#pragma once

#include <corvid/inbox/marked_unit.hpp>
#include <corvid/inbox/migrations.hpp>
#include <corvid/inbox/sweep.hpp>
#include <corvid/observe/metrics.hpp>

#include <concepts>
#include <string>
#include <type_traits>
#include <utility>

namespace corvid {

struct inbox_settings {
    std::string group = {};                                ///< of events that name none
    std::chrono::seconds retention = std::chrono::days{7}; ///< how long a mark is kept at least
    /// How long after its effect an event may still come again: the longest of the topic's retention, replays
    /// of dead letters, and what producers send again. 0: not known.
    std::chrono::seconds redelivery_window{0};
    bool allow_short_retention = false; ///< below redelivery_window: duplicates beyond it have effects
    int attempts = 3; ///< at a transaction whose outcome is unknown, or that the database could not do now
    std::chrono::milliseconds pause{50}; ///< before the second attempt; doubles
};

/// errc::invalid_setting, or conflicting_settings for a retention below the redelivery window.
[[nodiscard]] result<void> validate(const inbox_settings& settings);

class inbox {
public:
    /// Throws config_error where validate() refuses. `db` and `figures` outlive it.
    explicit inbox(database& db, inbox_settings settings = {}, metrics* figures = nullptr);

    /// Makes or updates the tables (store/migrate.hpp): how many steps it took.
    [[nodiscard]] database_call<int> migrate() {
        return store::migrate(db_, "inbox", inbox_detail::migrations());
    }
    /// Removes marks that have outlived their retention, now and every hour, until this object ends, whose
    /// destructor is then called on no loop. One inbox in each process will do.
    void keep_clean() { sweep_.start(); }
    /// Once, now: about how many marks were removed.
    [[nodiscard]] database_call<std::int64_t> clean_up() { return sweep_.run_once(); }

    /// Marks the event; if it is new, runs `fill` here, on the caller's loop, to record the effects, and
    /// commits both. `fill` is called with unit_of_work&, returns void or result<void> (an error rolls back
    /// and is handed on), or a task of these, in which it may ask: `co_await unit.query<T>(…)`. It runs at
    /// most once a call: a transaction that must be repeated repeats what was recorded, if nothing was asked.
    /// The transaction is open meanwhile: do not wait for anything slow in it. Completes with processed,
    /// already_processed, or the error: rejected and fatal ones have left nothing; after a retriable one call
    /// again, the mark decides. Two calls at once with one id: one waits for the other.
    template <class F>
    [[nodiscard]] task<result<processing>> process_if_new(event_mark event, F fill);
    template <class F>
    [[nodiscard]] task<result<processing>> process_if_new(std::string event_id, F fill) {
        return process_if_new(event_mark{.id = std::move(event_id), .group = settings_.group},
                              std::move(fill));
    }

private:
    template <class F>
    static task<result<void>> run(F& fill, unit_of_work& into);
    [[nodiscard]] task<result<std::shared_ptr<marked_unit>>> begin_with(const event_mark& event);
    [[nodiscard]] task<result<processing>> finish(const event_mark& event, marked_unit& first,
                                                  unit_of_work& unit);
    [[nodiscard]] result<processing> counted(result<processing> outcome) const;

    database& db_;
    inbox_settings settings_;
    std::shared_ptr<inbox_detail::mark_table> table_;
    inbox_sweep sweep_;
    counter processed_, duplicates_;
};

template <class F>
task<result<void>> inbox::run(F& fill, unit_of_work& into) {
    using answered = std::invoke_result_t<F&, unit_of_work&>;
    try {
        if constexpr (std::is_void_v<answered>) {
            fill(into);
            co_return result<void>{};
        } else if constexpr (std::same_as<answered, result<void>>) {
            co_return fill(into);
        } else if constexpr (std::same_as<answered, task<void>>) {
            co_await fill(into);
            co_return result<void>{};
        } else {
            static_assert(std::same_as<answered, task<result<void>>>,
                          "corvid: the function of process_if_new returns void, result<void>, or a task of "
                          "one of these");
            co_return co_await fill(into);
        }
    } catch (const std::exception& thrown) {
        co_return fail(errc::handler_threw, {.message = thrown.what(), .operation = "process_if_new"});
    }
}

template <class F>
task<result<processing>> inbox::process_if_new(event_mark event, F fill) {
    auto begun = co_await begin_with(event);
    if (!begun) co_return fail(std::move(begun.error()));
    if (!(*begun)->is_new(0)) co_return counted(processing::already_processed);
    unit_of_work unit{std::shared_ptr<unit_reader>(*begun)};
    auto filled = co_await run(fill, unit);
    if (!filled)
        co_return fail(std::move(filled.error())); // the transaction ends with its object: rolled back
    co_return counted(co_await finish(event, **begun, unit));
}

} // namespace corvid
