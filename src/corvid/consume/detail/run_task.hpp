// SPDX-License-Identifier: Apache-2.0
//
// run_task: the coroutine that works on one run. It is at home on the loop that starts it, where it begins at
// once, and ends the run when its frame is gone: nothing of it outlives the handler. Frames come from the
// frame pool; unlike a spawn it costs no lock and no post.
//
//   run_task work(run& records) { … co_await …; }        parameters: the object, and the run
//   work(records).start();
#pragma once

#include <corvid/base/task.hpp>
#include <corvid/consume/run.hpp>

namespace corvid::detail {

class run_task {
public:
    struct promise_type : promise_base {
        struct ending {
            [[nodiscard]] bool await_ready() const noexcept { return false; }
            void await_suspend(std::coroutine_handle<promise_type> over) const noexcept {
                run& ended = *over.promise().of;
                over.destroy();
                ended.end();
            }
            void await_resume() const noexcept {}
        };
        template <class Object>
        promise_type(Object&, run& records) noexcept : of(&records) {}
        [[nodiscard]] run_task get_return_object() noexcept {
            return run_task(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        [[nodiscard]] ending final_suspend() const noexcept { return {}; }
        void return_void() const noexcept {}
        /// What leaves the handler is an outcome: nothing comes here.
        [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
        run* of;
    };

    void start() const noexcept {
        handle_.promise().home_loop = scheduler::current();
        handle_.resume();
    }

private:
    explicit run_task(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
    std::coroutine_handle<promise_type> handle_;
};

} // namespace corvid::detail
