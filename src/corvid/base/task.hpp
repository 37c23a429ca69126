// SPDX-License-Identifier: Apache-2.0
//
// task<T>: a lazy coroutine. It runs on one loop, its home: there it starts, and there it goes on after every
// co_await, whoever completed what it awaited. Frames come from the frame pool: no malloc once warm.
//
//   corvid::task<int> twice(fee_service& fees) { auto fee = co_await fees.lookup("UA"); co_return 2 * fee; }
//
// A task does nothing until it is awaited or spawned, and is awaited once. It awaits other tasks, corvid's
// operations and any other awaiter; Asio's through corvid/asio.hpp. An exception leaves through co_await. A
// task that is destroyed must not be waiting for an operation (operations stay alive until they complete):
// scopes are joined, not dropped. Rules: parameters by value where they must live across co_await; no
// capturing lambda coroutine outlives its statement; name an aggregate before a co_await expression (g++ 12
// destroys such a temporary twice).
#pragma once

#include <corvid/base/operation.hpp>

#include <concepts>
#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace corvid {

template <class T = void>
class task;

namespace detail {

/// Resumes whoever awaits a task: at once if its home loop is running it, else by way of that loop.
struct return_home {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class Promise>
    [[nodiscard]] std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> done) const noexcept {
        auto& p = done.promise();
        if (!p.home_loop || scheduler::current() == p.home_loop) return p.continuation.waiter;
        detail::post_resumption(*p.home_loop, p.continuation);
        return std::noop_coroutine();
    }
    void await_resume() const noexcept {}
};

template <class A>
concept Operation = requires { typename std::remove_cvref_t<A>::is_operation; };

template <class A>
decltype(auto) awaiter_of(A&& awaitable) {
    if constexpr (requires { std::forward<A>(awaitable).operator co_await(); })
        return std::forward<A>(awaitable).operator co_await();
    else if constexpr (requires { operator co_await(std::forward<A>(awaitable)); })
        return operator co_await(std::forward<A>(awaitable));
    else
        return std::forward<A>(awaitable);
}

/// An awaiter in its place: what is awaited stays where it is (g++ 12 copies an awaiter that await_transform
/// returns by reference).
template <class A>
class borrowed {
public:
    explicit borrowed(A& awaiter) noexcept : awaiter_(awaiter) {}
    [[nodiscard]] bool await_ready() const noexcept { return awaiter_.await_ready(); }
    template <class Promise>
    auto await_suspend(std::coroutine_handle<Promise> waiter) {
        return awaiter_.await_suspend(waiter);
    }
    decltype(auto) await_resume() { return awaiter_.await_resume(); }

private:
    A& awaiter_;
};

/// Awaits a foreign awaiter as it is, without coming home.
template <class A>
struct as_it_is {
    A& awaitable;
};

template <class A>
using awaited_t = std::remove_cvref_t<decltype(awaiter_of(std::declval<A>()).await_resume())>;

template <class A>
task<awaited_t<A>> bring_home(A& awaitable);

struct promise_base {
    struct resumption : work {
        resumption() noexcept : work([](work& w) noexcept { static_cast<resumption&>(w).waiter.resume(); }) {}
        std::coroutine_handle<> waiter = std::noop_coroutine();
    };

    static void* operator new(std::size_t bytes) { return pool_allocate(bytes); }
    static void operator delete(void* frame, std::size_t bytes) noexcept { pool_free(frame, bytes); }

    [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
    [[nodiscard]] return_home final_suspend() const noexcept { return {}; }
    void unhandled_exception() noexcept { exception = std::current_exception(); }

    [[nodiscard]] scheduler* home() const noexcept { return home_loop; }

    template <class A>
    decltype(auto) await_transform(as_it_is<A> raw) {
        return awaiter_of(static_cast<A&&>(raw.awaitable));
    }
    template <Operation A>
    [[nodiscard]] auto await_transform(A&& op) noexcept {
        return borrowed<std::remove_reference_t<A>>(op);
    }
    template <class T>
    [[nodiscard]] auto await_transform(task<T>&& child) noexcept {
        return borrowed<task<T>>(child);
    }
    template <class A>
    [[nodiscard]] auto await_transform(A&& foreign) {
        return bring_home<A>(foreign);
    }

    scheduler* home_loop = nullptr;
    resumption continuation;
    std::exception_ptr exception;
};

template <class T>
struct promise final : promise_base {
    [[nodiscard]] task<T> get_return_object() noexcept;
    template <class U = T>
        requires std::constructible_from<T, U&&>
    void return_value(U&& value) noexcept(std::is_nothrow_constructible_v<T, U&&>) {
        stored.emplace(std::forward<U>(value));
    }
    T take() {
        if (exception) std::rethrow_exception(exception);
        return std::move(*stored);
    }
    std::optional<T> stored;
};

template <>
struct promise<void> final : promise_base {
    [[nodiscard]] task<void> get_return_object() noexcept;
    void return_void() const noexcept {}
    void take() const {
        if (exception) std::rethrow_exception(exception);
    }
};

} // namespace detail

template <class T>
class [[nodiscard]] task {
public:
    using promise_type = detail::promise<T>;

    task(task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
    task& operator=(task&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~task() {
        if (handle_) handle_.destroy();
    }

    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class Promise>
    [[nodiscard]] std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> parent) noexcept {
        handle_.promise().home_loop = detail::home_of(parent);
        handle_.promise().continuation.waiter = parent;
        return handle_;
    }
    T await_resume() { return handle_.promise().take(); }

private:
    friend struct detail::promise<T>;
    explicit task(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
    std::coroutine_handle<promise_type> handle_;
};

template <class T>
task<T> detail::promise<T>::get_return_object() noexcept {
    return task<T>(std::coroutine_handle<promise<T>>::from_promise(*this));
}

inline task<void> detail::promise<void>::get_return_object() noexcept {
    return task<void>(std::coroutine_handle<promise<void>>::from_promise(*this));
}

template <class A>
task<detail::awaited_t<A>> detail::bring_home(A& awaitable) {
    co_return co_await as_it_is<A>{awaitable};
}

} // namespace corvid
