// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/task_scope.hpp>

namespace corvid {

// A coroutine that owns itself: it starts on its home by way of a post, and its frame goes when it ends.
struct task_scope::spawned {
    struct promise_type : detail::promise_base {
        struct ending {
            [[nodiscard]] bool await_ready() const noexcept { return false; }
            void await_suspend(std::coroutine_handle<promise_type> done) const noexcept {
                task_scope* scope = done.promise().within;
                std::exception_ptr failure = std::move(done.promise().exception);
                done.destroy();
                scope->ended(std::move(failure));
            }
            void await_resume() const noexcept {}
        };
        promise_type(task_scope& scope, task<void>&) noexcept : within(&scope) {}
        [[nodiscard]] spawned get_return_object() noexcept {
            return {std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        [[nodiscard]] ending final_suspend() const noexcept { return {}; }
        void return_void() const noexcept {}
        task_scope* within;
    };
    std::coroutine_handle<promise_type> handle;
};

task_scope::spawned task_scope::run(task_scope&, task<void> t) { co_await std::move(t); }

void task_scope::spawn(scheduler& home, task<void> t) {
    {
        const std::lock_guard lock(mutex_);
        ++running_;
    }
    auto handle = run(*this, std::move(t)).handle;
    auto& promise = handle.promise();
    promise.home_loop = &home;
    promise.continuation.waiter = handle;
    home.post(promise.continuation);
}

void task_scope::ended(std::exception_ptr failure) noexcept {
    join_operation* joiner = nullptr;
    {
        const std::lock_guard lock(mutex_);
        if (failure && !first_failure_) first_failure_ = std::move(failure);
        if (--running_ == 0) joiner = std::exchange(joiner_, nullptr);
    }
    if (joiner) joiner->complete();
}

bool task_scope::join_operation::start() noexcept {
    const std::lock_guard lock(scope_.mutex_);
    if (scope_.running_ == 0) return false;
    scope_.joiner_ = this;
    return true;
}

std::exception_ptr task_scope::join_operation::take() noexcept {
    const std::lock_guard lock(scope_.mutex_);
    return std::exchange(scope_.first_failure_, nullptr);
}

std::size_t task_scope::running() const {
    const std::lock_guard lock(mutex_);
    return running_;
}

task_scope::~task_scope() {
    if (running() != 0) std::terminate();
}

void task_scope::wait(scheduler& waiter) {
    signal joined;
    std::exception_ptr failure;
    start_detached<join_operation>(
        [&](std::exception_ptr first) noexcept {
            failure = std::move(first);
            joined.set();
        },
        *this);
    if (!waiter.wait(joined, std::nullopt)) std::terminate();
    if (failure) std::rethrow_exception(failure);
}

} // namespace corvid
