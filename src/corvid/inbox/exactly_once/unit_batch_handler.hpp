// SPDX-License-Identifier: Apache-2.0
//
// Batch handlers that record into a unit_of_work, exactly once (exactly_once/settings.hpp):
//
//   service.on_batch<payment_made>("book",
//       [](std::span<const corvid::received<payment_made>> batch, corvid::batch_context&,
//       corvid::unit_of_work& db) {
//           db.insert("booking", rows_of(batch));
//       }, {.exactly_once = corvid::in(database)});
//
// A call is one transaction: the marks of its records, then what the handler recorded or asked, then COMMIT.
// The marks come first, so the handler is given only those records that have had no effect, each once: what
// comes twice in a batch, too. It holds the transaction, and a session of the pool, until it returns.
//
// What is recorded is the effect of the records for which done is said; those of which it says something else
// are to have no part in it, and have no mark. Where one is to be tried again and others of its key stand
// behind it, nothing is written and the handler is called again without these. A statement that the database
// refuses counts as thrown for all (when_batch_fails): the batch is halved until the guilty ones stand alone.
// What is published through batch_context::of() is acknowledged before the transaction is committed.
//
// By offset the batch must be ordered by_partition: it moves the rows of its partitions together.
#pragma once

#include <corvid/consume/attempt/run_task.hpp>
#include <corvid/consume/shapes/batch_handler.hpp>
#include <corvid/inbox/exactly_once/unit_batch.hpp>

#include <memory>
#include <type_traits>

namespace corvid {

namespace detail {

template <class F, class T>
concept RecordsForBatch = std::invocable<F&, batch_of<T>, batch_context&, unit_of_work&>;
template <class Given, class T>
concept TakesUnitForBatch = RecordsForBatch<plain_function<Given>, T>;

} // namespace detail

template <Message T, class Given>
class unit_batch_handler final : public handler {
    using callable = detail::plain_function<Given>;
    using answer = detail::task_value<
        std::invoke_result_t<callable&, detail::batch_of<T>, batch_context&, unit_of_work&>>;
    static_assert(detail::BatchAnswer<typename answer::type>,
                  "corvid: a batch handler returns nothing, a corvid::outcome, outcomes of each, or a "
                  "corvid::task of one");

public:
    static constexpr bool blocks = !std::is_same_v<callable, Given>;
    static_assert(!blocks || !answer::is_task, "corvid: a blocking handler is a plain function");

    /// All runs have ended before this handler goes.
    unit_batch_handler(Given function, batch_attempt::settings with, std::shared_ptr<inbox_stage> stage)
        : function_(detail::plain_function_of(std::move(function))),
          settings_(with),
          stage_(std::move(stage)) {}

    void start(run& first) noexcept override { drive(first).start(); }
    [[nodiscard]] bool is_for_workers() const noexcept override { return !blocks; }
    [[nodiscard]] bool needs_whole_runs() const noexcept override { return true; }

private:
    detail::run_task drive(run& first) {
        auto into = messages_.borrow();
        batch_attempt attempt(first, settings_);
        into->decode(attempt);
        while (const auto range = attempt.next()) {
            auto calling = call(attempt, *into, *range);
            co_await std::move(calling);
        }
        messages_.give_back(std::move(into));
        attempt.finish();
    }

    task<void> call(batch_attempt& attempt, detail::batch_messages<T>& all, batch_attempt::range which) {
        unit_batch one(*stage_, attempt, which);
        auto beginning = one.begin();
        const bool is_begun = co_await std::move(beginning);
        if (!is_begun) co_return;
        all.keep(which, one.kept());
        batch_context ctx(attempt, one.records());
        try {
            if constexpr (answer::is_task) {
                auto handling = function_(all.part(one.records()), ctx, one.unit());
                if constexpr (std::is_void_v<typename answer::type>) {
                    co_await std::move(handling);
                    one.answer(outcome(done));
                } else {
                    tell(one, co_await std::move(handling));
                }
            } else if constexpr (std::is_void_v<typename answer::type>) {
                function_(all.part(one.records()), ctx, one.unit());
                one.answer(outcome(done));
            } else {
                tell(one, function_(all.part(one.records()), ctx, one.unit()));
            }
        } catch (...) {
            one.answer(outcome_of_current_exception());
        }
        auto ending = one.end(ctx);
        co_await std::move(ending);
        if (!one.called_again().empty()) all.keep(one.records(), one.called_again());
    }

    template <class A>
    static void tell(unit_batch& of, A&& said) {
        if constexpr (std::convertible_to<A, outcome>)
            of.answer(outcome(std::forward<A>(said)));
        else
            of.answer(batch_outcomes(std::forward<A>(said)));
    }

    callable function_;
    batch_attempt::settings settings_;
    std::shared_ptr<inbox_stage> stage_;
    detail::spare_batch_messages<T> messages_;
};

} // namespace corvid
