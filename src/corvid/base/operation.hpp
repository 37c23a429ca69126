// SPDX-License-Identifier: Apache-2.0
//
// operation: what every asynchronous call of corvid returns: one object that holds its completion state and
// can be awaited (`co_await out.send(f)`), called back, or completed into an Asio token (corvid/asio.hpp) by
// the same code.
//
// An operation does nothing until it is awaited or started. It is neither copied nor moved, and stays alive
// until it has completed. Awaited in a corvid::task it resumes on the task's home loop; awaited in any other
// coroutine it resumes on the thread that completes it.
#pragma once

#include <corvid/base/detail/frame_pool.hpp>
#include <corvid/base/detail/post_lists.hpp>

#include <concepts>
#include <coroutine>
#include <type_traits>
#include <utility>

namespace corvid {

namespace detail {

/// Posts nodes to their loops; while a post_batch lives on this thread, as one list a loop when it ends.
void post_resumption(scheduler& home, work& node) noexcept;

class post_batch {
public:
    post_batch() noexcept;
    ~post_batch();
    post_batch(const post_batch&) = delete;
    post_batch& operator=(const post_batch&) = delete;

private:
    friend void post_resumption(scheduler& home, work& node) noexcept;
    post_batch* outer_;
    post_lists nodes_;
};

template <class Promise>
concept HasHome = requires(Promise& p) {
    { p.home() } -> std::convertible_to<scheduler*>;
};

template <class Promise>
[[nodiscard]] scheduler* home_of(std::coroutine_handle<Promise> handle) noexcept {
    if constexpr (HasHome<Promise>)
        return handle.promise().home();
    else
        return nullptr;
}

} // namespace detail

/// The part of an operation that does not depend on its result.
class operation_base {
public:
    operation_base() = default;
    operation_base(const operation_base&) = delete;
    operation_base& operator=(const operation_base&) = delete;

protected:
    ~operation_base() = default;

    /// Tells whoever waits. The last that is done with an operation: it may be gone when this returns.
    void complete() noexcept {
        if (call_)
            call_(*this);
        else if (home_)
            detail::post_resumption(*home_, resume_);
        else
            resume_.waiter.resume();
    }

    struct resumption : work {
        resumption() noexcept : work([](work& w) noexcept { static_cast<resumption&>(w).waiter.resume(); }) {}
        std::coroutine_handle<> waiter;
    };

    resumption resume_;
    scheduler* home_ = nullptr;
    void (*call_)(operation_base&) noexcept = nullptr;
};

/// Derive as `class send_operation : public operation<send_operation, result<delivery>>` with
///   `bool start() noexcept`    begins; false if the result is there already (then complete() is not called)
///   `Result take() noexcept`   the result, once
template <class Derived, class Result>
class operation : public operation_base {
public:
    using result_type = Result;
    using is_operation = void;

    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> waiter) noexcept {
        resume_.waiter = waiter;
        home_ = detail::home_of(waiter);
        return static_cast<Derived&>(*this).start();
    }
    Result await_resume() noexcept { return static_cast<Derived&>(*this).take(); }
};

/// An operation with a callback, in pooled memory, gone before the callback runs.
template <class Op, class F>
struct detached_operation final : Op {
    template <class... Args>
    explicit detached_operation(F f, Args&&... args)
        : Op(std::forward<Args>(args)...), callback(std::move(f)) {}

    void launch() noexcept {
        this->call_ = [](operation_base& base) noexcept { static_cast<detached_operation&>(base).finish(); };
        if (!this->start()) finish();
    }

    F callback;

private:
    void finish() noexcept {
        auto answer = this->take();
        F f = std::move(callback);
        detail::pool_delete(this);
        f(std::move(answer));
    }
};

/// Starts an operation whose result goes to `callback`, called once, on the thread that completes it (or at
/// once, on this one). Allocates from the frame pool.
template <class Op, class F, class... Args>
void start_detached(F&& callback, Args&&... args) {
    detail::pool_new<detached_operation<Op, std::decay_t<F>>>(std::forward<F>(callback),
                                                              std::forward<Args>(args)...)
        ->launch();
}

/// A plain callback for a Result, as opposed to a completion token: those are callable, too, but give
/// something back or bring an executor.
template <class F, class Result>
concept CallbackFor = std::invocable<F, Result> && std::is_void_v<std::invoke_result_t<F, Result>> &&
                      !requires { typename std::remove_cvref_t<F>::executor_type; };

/// How a completion token that is no plain callback is served; corvid/asio.hpp specialises it for Asio's
/// tokens.
template <class Token, class Result>
struct token_adapter {
    static_assert(
        sizeof(Token) == 0,
        "not a callback taking the result; for Asio's completion tokens #include <corvid/asio.hpp>");
};

} // namespace corvid
