// SPDX-License-Identifier: Apache-2.0
//
// task_scope: where tasks run that nobody awaits one by one. Each spawn is in a scope, and each scope is
// joined before it is destroyed (else std::terminate): no task outlives what it refers to.
#pragma once

#include <corvid/base/task.hpp>

#include <cstddef>
#include <mutex>

namespace corvid {

class task_scope {
public:
    task_scope() = default;
    task_scope(const task_scope&) = delete;
    task_scope& operator=(const task_scope&) = delete;
    ~task_scope();

    /// Starts `t` on `home`, after what is posted there already. Any thread.
    void spawn(scheduler& home, task<void> t);

    class join_operation : public operation<join_operation, std::exception_ptr> {
    public:
        explicit join_operation(task_scope& scope) noexcept : scope_(scope) {}
        bool start() noexcept;
        std::exception_ptr take() noexcept;

    private:
        friend class task_scope;
        task_scope& scope_;
    };

    /// Completes when every task has ended, with the first exception that left one (or null). One join at a
    /// time.
    [[nodiscard]] join_operation join() noexcept { return join_operation(*this); }

    /// Joins on a thread that is no loop and rethrows that exception. `waiter` is a scheduler of the same
    /// kind as the homes.
    void wait(scheduler& waiter);

    [[nodiscard]] std::size_t running() const;

private:
    struct spawned;
    static spawned run(task_scope& scope, task<void> t);
    void ended(std::exception_ptr failure) noexcept;

    mutable std::mutex mutex_;
    std::size_t running_ = 0;
    std::exception_ptr first_failure_;
    join_operation* joiner_ = nullptr;
};

/// Runs a task on `home` and waits for it on a thread that is no loop; `waiter` is any scheduler of the same
/// kind.
template <class T>
T wait_for(scheduler& waiter, scheduler& home, task<T> t) {
    task_scope scope;
    if constexpr (std::is_void_v<T>) {
        scope.spawn(home, std::move(t));
        scope.wait(waiter);
    } else {
        std::optional<T> answer;
        auto store = [](task<T> inner, std::optional<T>& into) -> task<void> {
            into.emplace(co_await std::move(inner));
        };
        scope.spawn(home, store(std::move(t), answer));
        scope.wait(waiter);
        return std::move(*answer);
    }
}

} // namespace corvid
