// SPDX-License-Identifier: Apache-2.0
//
// typed_handler<T, F>: a user's function as the engine's handler: decodes T and calls F, in a loop for plain
// functions, in one coroutine a run for those that return corvid::task, on a thread of the pool for those in
// corvid::blocking(). What F throws is an outcome like any other.
//
// F is called on several workers at once, for different keys (partitions, where the order is by_partition);
// a coroutine goes on on the worker that it began on. What F shares between keys is F's to guard.
//
// F takes `const T&` or `const received<T>&` (which alone sees tombstones), and, if it likes, `context&`
// behind it. It returns nothing, an outcome, or a task of either.
#pragma once

#include <corvid/base/task_scope.hpp>
#include <corvid/consume/attempt/run_task.hpp>
#include <corvid/consume/attempt/spares.hpp>
#include <corvid/consume/attempt/through_chain.hpp>
#include <corvid/consume/blocking.hpp>
#include <corvid/consume/context.hpp>
#include <corvid/message/envelope.hpp>
#include <corvid/serde/decode_record.hpp>

#include <concepts>
#include <type_traits>
#include <variant>

namespace corvid {

namespace detail {

template <class T>
struct task_value {
    static constexpr bool is_task = false;
    using type = T;
};
template <class T>
struct task_value<task<T>> {
    static constexpr bool is_task = true;
    using type = T;
};

template <class F, class In>
concept Takes = std::invocable<F&, In> || std::invocable<F&, In, context&>;

template <class F, class In>
decltype(auto) call(F& f, In& in, context& ctx) {
    if constexpr (std::invocable<F&, In&, context&>)
        return f(in, ctx);
    else
        return f(in);
}

template <class F, class T>
using handler_input = std::conditional_t<Takes<F, const T&>, const T, const received<T>>;

template <class F, class T>
using handler_result =
    decltype(call(std::declval<F&>(), std::declval<handler_input<F, T>&>(), std::declval<context&>()));

template <class F, class T>
constexpr bool check_handler() {
    static_assert(Takes<F, const T&> || Takes<F, const received<T>&>,
                  "corvid: a handler takes (const T&) or (const corvid::received<T>&), and corvid::context& "
                  "behind it if it likes");
    if constexpr (Takes<F, const T&> || Takes<F, const received<T>&>) {
        using value = typename task_value<handler_result<F, T>>::type;
        static_assert(std::is_void_v<value> || std::convertible_to<value, outcome>,
                      "corvid: a handler returns nothing, a corvid::outcome, or a corvid::task of either");
    }
    return true;
}

} // namespace detail

template <Message T, class Given>
class typed_handler final : public handler {
    using callable = detail::plain_function<Given>;
    static_assert(detail::check_handler<callable, T>());
    using answer = detail::task_value<detail::handler_result<callable, T>>;

public:
    using message_type = T;
    static constexpr bool blocks = !std::is_same_v<callable, Given>;
    static constexpr bool is_task = answer::is_task;

private:
    static_assert(!blocks || !answer::is_task, "corvid: a blocking handler is a plain function");
    static constexpr bool takes_message = detail::Takes<callable, const T&>;

public:
    /// All runs have ended before this handler goes.
    explicit typed_handler(Given function) : function_(detail::plain_function_of(std::move(function))) {}
    typed_handler(Given function, task_scope&) : typed_handler(std::move(function)) {}

    void start(run& records) noexcept override {
        if constexpr (answer::is_task)
            (records.origin().chain ? chained::drive(*this, records) : drive(records)).start();
        else
            handle_all(records);
    }
    [[nodiscard]] bool is_immediate() const noexcept override { return !answer::is_task && !blocks; }
    [[nodiscard]] bool is_for_workers() const noexcept override { return !blocks; }
    [[nodiscard]] bool is_coroutine() const noexcept override { return answer::is_task; }

    // One attempt at the current record, which stays the current one: for handlers that are made of several,
    // and for what stands around an attempt (`within`).

    /// By a plain function. `message` is the caller's, to decode into.
    outcome handle(run& records, T& message, const attempt* within = nullptr) noexcept {
        try {
            auto decoded = decode(records, message);
            if (!decoded) return dead_letter(located(std::move(decoded).error(), records));
            context ctx(records, within);
            if constexpr (takes_message) {
                return invoke(message, ctx);
            } else {
                const envelope in = envelope_of(records, *decoded);
                return invoke(in, ctx);
            }
        } catch (...) {
            return outcome_of_current_exception();
        }
    }

    /// The same by a coroutine.
    task<outcome> attend(run& records, T& message, const attempt* within = nullptr) {
        auto decoded = decode(records, message);
        if (!decoded) co_return dead_letter(located(std::move(decoded).error(), records));
        context ctx(records, within);
        const envelope in = envelope_of(records, *decoded);
        outcome what = done;
        try {
            if constexpr (std::is_void_v<typename answer::type>)
                co_await call_task(message, in, ctx);
            else
                what = co_await call_task(message, in, ctx);
        } catch (...) {
            what = outcome_of_current_exception();
        }
        co_return what;
    }

private:
    /// Nothing, where the handler asks for the message alone: coroutines would carry it along.
    using envelope = std::conditional_t<takes_message, std::monostate, received<T>>;
    using chained = detail::through_chain<typed_handler, T>;

    /// The record's message, or null for a tombstone.
    static result<const T*> decode(const run& records, T& into) {
        const record& r = records.current();
        if (!takes_message && !r.value) return nullptr;
        if (auto read = decode_record(r, records.headers(), into); !read)
            return fail(std::move(read).error());
        return &into;
    }

    static envelope envelope_of(const run& records, const T* message) noexcept {
        if constexpr (takes_message)
            return {};
        else
            return {message, records.place()};
    }

    void handle_all(run& records) noexcept {
        {
            const typename detail::spares<T>::loan message(messages_, records.seat());
            if (records.origin().chain)
                chained::handle_all(*this, records, *message);
            else
                while (records.has_next())
                    records.complete(handle(records, *message));
        }
        records.end();
    }

    template <class In>
    outcome invoke(const In& in, context& ctx) {
        if constexpr (std::is_void_v<typename answer::type>) {
            detail::call(function_, in, ctx);
            return done;
        } else {
            return detail::call(function_, in, ctx);
        }
    }

    detail::run_task drive(run& records) {
        T message{};
        while (records.has_next()) {
            auto decoded = decode(records, message);
            if (!decoded) {
                records.complete(dead_letter(located(std::move(decoded).error(), records)));
                break;
            }
            context ctx(records);
            const envelope in = envelope_of(records, *decoded);
            outcome what = done;
            try {
                if constexpr (std::is_void_v<typename answer::type>)
                    co_await call_task(message, in, ctx);
                else
                    what = co_await call_task(message, in, ctx);
            } catch (...) {
                what = outcome_of_current_exception();
            }
            records.complete(std::move(what));
        }
    }

    auto call_task(const T& message, [[maybe_unused]] const envelope& in, context& ctx) {
        if constexpr (takes_message)
            return detail::call(function_, message, ctx);
        else
            return detail::call(function_, in, ctx);
    }

    static error located(const error& why, const run& records) {
        return located_in(why, records.origin().where, records.current().offset);
    }

    callable function_;
    detail::spares<T> messages_;
};

} // namespace corvid
