// SPDX-License-Identifier: Apache-2.0
//
// asio: corvid beside Boost.Asio, in all four directions. Who does not include this header pays nothing.
//
//   auto sent = out.send(f, asio::use_future);                              corvid's operations, Asio's
//   tokens auto d = co_await out.send(f, asio::use_awaitable);                     in an asio::awaitable auto
//   [ec, n] = co_await socket.async_read_some(b, corvid::use_task);    Asio's operations in a corvid::task
//   auto quote = co_await corvid::from_awaitable(executor, ask());          an asio::awaitable in a
//   corvid::task auto fee = co_await corvid::to_awaitable(home, lookup());               a corvid::task in an
//   asio::awaitable
//
// Each side resumes where it belongs: a handler and an asio::awaitable on their executor, a task on its home.
// Nothing here is cancelled through Asio's cancellation slots. Contexts and loops run until all that was
// started on them has completed: what waits for a context that is gone waits for ever.
#pragma once

#include <corvid/base/task_scope.hpp>

#include <boost/asio/append.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/system_executor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace corvid {
namespace detail {
/// Tokens whose handlers may run on any thread, at any time: they are spared Asio's system threads.
template <class Token>
inline constexpr bool completes_anywhere = false;
template <class Allocator>
inline constexpr bool completes_anywhere<boost::asio::use_future_t<Allocator>> = true;

/// Runs the handler on its executor, which has work until then.
template <class Handler, bool Anywhere>
class handler_call {
public:
    explicit handler_call(Handler handler)
        : handler_(std::move(handler)), work_(boost::asio::get_associated_executor(handler_)) {}

    template <class Result>
    void operator()(Result&& answer) {
        auto call = boost::asio::append(std::move(handler_), std::forward<Result>(answer));
        if constexpr (Anywhere || std::same_as<executor, boost::asio::system_executor>)
            boost::asio::dispatch(std::move(call));
        else
            boost::asio::post(std::move(call));
    }

private:
    using executor = boost::asio::associated_executor_t<Handler>;
    Handler handler_;
    boost::asio::executor_work_guard<executor> work_;
};

/// An argument of an operation, as a token that starts later may keep it.
template <class Arg>
decltype(auto) kept(Arg&& arg) noexcept {
    if constexpr (std::copy_constructible<std::decay_t<Arg>> || !std::is_lvalue_reference_v<Arg>)
        return std::forward<Arg>(arg);
    else
        return std::ref(arg);
}

template <class Arg>
decltype(auto) unkept(Arg&& arg) noexcept {
    using plain = std::remove_cvref_t<Arg>;
    if constexpr (std::same_as<std::unwrap_reference_t<plain>, plain>)
        return std::forward<Arg>(arg);
    else
        return arg.get();
}

template <class Op, bool Anywhere>
struct operation_start {
    template <class Handler, class... Args>
    void operator()(Handler&& handler, Args&&... args) const {
        using call = handler_call<std::decay_t<Handler>, Anywhere>;
        start_detached<Op>(call(std::forward<Handler>(handler)), unkept(std::forward<Args>(args))...);
    }
};

} // namespace detail

/// Asio's tokens for the signature void(Result): an error is a value of the result, as everywhere in corvid.
///
/// The operation lives in pooled memory and is started before the call returns, by a token that starts at
/// once (use_future, a handler), or when it is awaited or invoked (use_awaitable, deferred). Until then such
/// a token keeps copies of the arguments: of a std::ref, and of an lvalue that cannot be copied, the
/// reference; of a view the view. What the operation itself borrows stays borrowed until it has completed.
/// A handler without executor runs where the operation completes, perhaps before the call returns, and must
/// not throw; any other is posted to its executor.
template <class Token, class Result>
    requires boost::asio::completion_token_for<Token, void(Result)>
struct token_adapter<Token, Result> {
    template <class Op, class T, class... Args>
    static auto initiate(T&& token, Args&&... args) {
        using start = detail::operation_start<Op, detail::completes_anywhere<Token>>;
        return boost::asio::async_initiate<T, void(Result)>(start{}, token,
                                                            detail::kept(std::forward<Args>(args))...);
    }
};

/// Any operation of corvid, made from `args`, but those that need a home loop (sleep).
template <class Op, class Token, class... Args>
auto async(Token&& token, Args&&... args) {
    using adapter = token_adapter<std::decay_t<Token>, typename Op::result_type>;
    return adapter::template initiate<Op>(std::forward<Token>(token), std::forward<Args>(args)...);
}

/// Makes of an Asio operation one that a corvid::task awaits. co_await gives what a handler would get:
/// nothing, one value, or a std::tuple; an error_code is a value, a leading exception_ptr is thrown. Memory
/// comes from the frame pool. Another coroutine than a task resumes on the thread that completes it.
struct use_task_t {};
inline constexpr use_task_t use_task{};

namespace detail {
template <class T>
struct pool_allocator {
    using value_type = T;
    pool_allocator() = default;
    template <class U>
    pool_allocator(const pool_allocator<U>&) noexcept {}
    [[nodiscard]] T* allocate(std::size_t n) { return static_cast<T*>(pool_allocate(n * sizeof(T))); }
    void deallocate(T* block, std::size_t n) noexcept { pool_free(block, n * sizeof(T)); }
    bool operator==(const pool_allocator&) const = default;
};

template <class... Ts>
auto unwrapped(std::tuple<Ts...>&& all) {
    if constexpr (sizeof...(Ts) == 1)
        return std::get<0>(std::move(all));
    else if constexpr (sizeof...(Ts) > 1)
        return std::move(all);
}
template <class... Ts>
auto unwrapped(std::tuple<std::exception_ptr, Ts...>&& all) {
    if (std::get<0>(all)) std::rethrow_exception(std::get<0>(std::move(all)));
    return std::apply(
        [](std::exception_ptr&, Ts&... values) { return unwrapped(std::tuple<Ts...>(std::move(values)...)); },
        all);
}

template <class Answer, class Initiation, class... InitArgs>
class [[nodiscard]] asio_operation : public operation_base {
public:
    using result_type = decltype(unwrapped(std::declval<Answer>()));
    using is_operation = void;

    template <class... Args>
    explicit asio_operation(Initiation&& initiation, Args&&... args)
        : initiation_(std::move(initiation)), args_(std::forward<Args>(args)...) {}

    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> waiter) {
        resume_.waiter = waiter;
        home_ = home_of(waiter);
        // A coroutine without a home may have gone on, and this be gone, before the initiation returns.
        Initiation initiation = std::move(initiation_);
        auto args = std::move(args_);
        std::apply([&](auto&... each) { std::move(initiation)(handler{this}, std::move(each)...); }, args);
    }
    result_type await_resume() { return unwrapped(std::move(*answer_)); }

private:
    struct handler {
        using allocator_type = pool_allocator<std::byte>;
        asio_operation* of;
        [[nodiscard]] allocator_type get_allocator() const noexcept { return {}; }
        template <class... Args>
        void operator()(Args&&... args) {
            of->answer_.emplace(std::forward<Args>(args)...);
            of->complete();
        }
    };

    Initiation initiation_;
    std::tuple<InitArgs...> args_;
    std::optional<Answer> answer_;
};

/// Joins a scope into which it spawns its one task when it starts.
class spawn_and_join : public task_scope::join_operation {
public:
    spawn_and_join(task_scope& scope, scheduler& home, task<void> t) noexcept
        : join_operation(scope), scope_(scope), home_(home), task_(std::move(t)) {}
    [[nodiscard]] bool start() noexcept {
        scope_.spawn(home_, std::move(task_));
        return join_operation::start();
    }

private:
    task_scope& scope_;
    scheduler& home_;
    task<void> task_;
};

template <class T>
task<void> store(task<T> from, std::optional<T>& into) {
    into.emplace(co_await std::move(from));
}

} // namespace detail

/// Runs `a` on `executor`. T is default-constructible: Asio makes one beside an exception.
template <class Executor, class T>
[[nodiscard]] auto from_awaitable(const Executor& executor, boost::asio::awaitable<T> a) {
    return boost::asio::co_spawn(executor, std::move(a), use_task);
}

/// Runs `t` on `home` once the awaitable is awaited, which goes on on its own executor.
template <class T>
boost::asio::awaitable<T> to_awaitable(scheduler& home, task<T> t) {
    task_scope scope;
    if constexpr (std::is_void_v<T>) {
        co_await async<detail::spawn_and_join>(boost::asio::use_awaitable, scope, home, std::move(t));
    } else {
        std::optional<T> value;
        co_await async<detail::spawn_and_join>(boost::asio::use_awaitable, scope, home,
                                               detail::store(std::move(t), value));
        co_return std::move(*value);
    }
}

} // namespace corvid

template <class R, class... Args>
class boost::asio::async_result<corvid::use_task_t, R(Args...)> {
public:
    template <class Initiation, class... InitArgs>
    static auto initiate(Initiation initiation, corvid::use_task_t, InitArgs&&... args) {
        return corvid::detail::asio_operation<std::tuple<std::decay_t<Args>...>, Initiation,
                                              std::decay_t<InitArgs>...>(std::move(initiation),
                                                                         std::forward<InitArgs>(args)...);
    }
};
