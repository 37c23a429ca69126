// SPDX-License-Identifier: Apache-2.0
//
// threaded_scheduler: the scheduler of real services. Each loop is one thread; the object itself is the root
// loop, which runs on the thread that calls run(), and run_thread() starts the others.
//
// Any thread: post, wait, stop, run_thread, steady_now, wall_now. The loop's own thread only: at, cancel,
// watch, unwatch, when_writable (until run(), the thread that is going to call it). The scheduler must
// outlive every call of another thread.
#pragma once

#include <corvid/base/scheduler.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace corvid {

namespace detail {
struct asio_access;
}

class threaded_scheduler final : public scheduler {
public:
    threaded_scheduler();
    /// Not while run() is running. Loops of run_thread() are independent of it.
    ~threaded_scheduler() override;
    threaded_scheduler(const threaded_scheduler&) = delete;
    threaded_scheduler& operator=(const threaded_scheduler&) = delete;

    /// Runs the loop on this thread until stop(), at most once in its life. When it returns no timer is
    /// pending, no descriptor is watched, and what is posted is dropped.
    void run();

    using scheduler::post;
    /// From the loop's own thread it takes no lock; from another one lock, and one wake-up if the loop
    /// sleeps.
    void post(work_list&& nodes) noexcept override;
    void at(steady_time when, timer& node) override;
    bool cancel(timer& node) noexcept override;
    /// Makes the descriptor non-blocking, never closes it. Throws std::system_error if it is none. A plain
    /// file, which the system cannot watch, is never reported.
    void watch(watcher& node) override;
    void unwatch(watcher& node) noexcept override;
    /// Throws std::logic_error if `node` is not watched.
    void when_writable(watcher& node, work& once) override;
    /// Throws std::system_error if the system has no thread to give.
    [[nodiscard]] std::unique_ptr<loop_thread> run_thread(std::string name,
                                                          std::function<void(scheduler&)> start) override;
    [[nodiscard]] steady_time steady_now() const noexcept override;
    [[nodiscard]] wall_time wall_now() const noexcept override;
    /// Those that this process may run on.
    [[nodiscard]] std::size_t cores() const noexcept override;
    /// Throws std::logic_error from a loop: it would block it.
    bool wait(signal& done, std::optional<steady_time> deadline) override;
    void stop() noexcept override;

private:
    friend struct detail::asio_access;
    struct impl;
    std::unique_ptr<impl> impl_;
};

} // namespace corvid
