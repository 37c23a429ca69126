// SPDX-License-Identifier: Apache-2.0
//
// Batch handlers: many records at a call, by number, bytes or time:
//
//   service.on_batch<flight_departed>("archive",
//       [&](std::span<const corvid::received<flight_departed>> batch) { … }, {.max = 500, .within = 200ms});
//
// F takes `std::span<const received<T>>` and, if it likes, `batch_context&` behind it, through which it
// publishes. It is called on workers, several batches at once where `concurrency` says so. It is a plain
// function, a coroutine or in corvid::blocking(), and returns nothing, an outcome for all, the outcomes of
// each (corvid::batch_outcomes or std::vector<outcome>, in the order of the batch), or a task of one.
//
// In a batch the records of a key stand in their order, one behind the other, and no key is in two batches at
// once. A record that cannot be decoded goes to the dead letters; the function never sees it. Behind a record
// for which retry was said the others of its key come again with it; behind a dead letter they do not, unless
// what was published for them is not acknowledged by then.
#pragma once

#include <corvid/consume/shapes/batch_attempt.hpp>
#include <corvid/consume/shapes/batch_context.hpp>
#include <corvid/consume/shapes/batch_messages.hpp>
#include <corvid/consume/typed_handler.hpp>

namespace corvid {

namespace detail {

template <class T>
using batch_of = std::span<const received<T>>;

template <class F, class T>
concept TakesBatch = std::invocable<F&, batch_of<T>> || std::invocable<F&, batch_of<T>, batch_context&>;

template <class F, class T>
decltype(auto) call_batch(F& f, batch_of<T> batch, batch_context& ctx) {
    if constexpr (std::invocable<F&, batch_of<T>, batch_context&>)
        return f(batch, ctx);
    else
        return f(batch);
}

template <class T>
concept BatchAnswer =
    std::is_void_v<T> || std::convertible_to<T, outcome> || std::convertible_to<T, batch_outcomes>;

template <class F, class T>
constexpr bool check_batch_handler() {
    static_assert(TakesBatch<F, T>, "corvid: a batch handler takes (std::span<const corvid::received<T>>), "
                                    "and corvid::batch_context& behind it if it likes");
    if constexpr (TakesBatch<F, T>) {
        using value = decltype(call_batch<F, T>(std::declval<F&>(), {}, std::declval<batch_context&>()));
        static_assert(BatchAnswer<typename task_value<value>::type>,
                      "corvid: a batch handler returns nothing, a corvid::outcome, outcomes of each, or a "
                      "corvid::task of one");
    }
    return true;
}

} // namespace detail

template <Message T, class Given>
class batch_handler final : public handler {
    using callable = detail::plain_function<Given>;
    static_assert(detail::check_batch_handler<callable, T>());
    using answer = detail::task_value<decltype(detail::call_batch<callable, T>(
        std::declval<callable&>(), {}, std::declval<batch_context&>()))>;

public:
    static constexpr bool blocks = !std::is_same_v<callable, Given>;
    static_assert(!blocks || !answer::is_task, "corvid: a blocking handler is a plain function");

    /// All runs have ended before this handler goes.
    batch_handler(Given function, batch_attempt::settings with)
        : function_(detail::plain_function_of(std::move(function))), settings_(with) {}

    void start(run& first) noexcept override {
        if constexpr (answer::is_task) {
            drive(first).start();
        } else {
            handle(first);
            first.end();
        }
    }
    [[nodiscard]] bool is_for_workers() const noexcept override { return !blocks; }
    [[nodiscard]] bool needs_whole_runs() const noexcept override { return true; }

private:
    void handle(run& first) noexcept {
        auto into = messages_.borrow();
        batch_attempt attempt(first, settings_);
        into->decode(attempt);
        while (const auto range = attempt.next()) {
            try {
                batch_context ctx(attempt, *range);
                if constexpr (std::is_void_v<typename answer::type>) {
                    detail::call_batch<callable, T>(function_, into->part(*range), ctx);
                    attempt.answer(*range, outcome(done));
                } else {
                    tell(attempt, *range,
                         detail::call_batch<callable, T>(function_, into->part(*range), ctx));
                }
            } catch (...) {
                attempt.failed(*range, outcome_of_current_exception());
            }
        }
        messages_.give_back(std::move(into));
        attempt.finish();
    }

    detail::run_task drive(run& first) {
        auto into = messages_.borrow();
        batch_attempt attempt(first, settings_);
        into->decode(attempt);
        while (const auto range = attempt.next()) {
            try {
                batch_context ctx(attempt, *range);
                if constexpr (std::is_void_v<typename answer::type>) {
                    co_await detail::call_batch<callable, T>(function_, into->part(*range), ctx);
                    attempt.answer(*range, outcome(done));
                } else {
                    tell(attempt, *range,
                         co_await detail::call_batch<callable, T>(function_, into->part(*range), ctx));
                }
            } catch (...) {
                attempt.failed(*range, outcome_of_current_exception());
            }
        }
        messages_.give_back(std::move(into));
        attempt.finish();
    }

    template <class A>
    static void tell(batch_attempt& of, const batch_attempt::range& range, A&& said) {
        if constexpr (std::convertible_to<A, outcome>)
            of.answer(range, outcome(std::forward<A>(said)));
        else
            of.answer(range, batch_outcomes(std::forward<A>(said)));
    }

    callable function_;
    batch_attempt::settings settings_;
    detail::spare_batch_messages<T> messages_;
};

} // namespace corvid
