// SPDX-License-Identifier: Apache-2.0
//
// worker_pool: the threads that handlers run on, shared by all subscriptions of a service. Each worker is a
// loop of its own. A lane always runs on the worker that its hash says, so workers share nothing and take
// nothing from one another.
//
// Runs come to a worker as one list a turn of their group's loop, and go back as one list a turn of the
// worker, or as soon as 200 µs of work have gathered: no lock and no wake-up for each.
#pragma once

#include <corvid/base/operation.hpp>

#include <cstddef>
#include <memory>
#include <vector>

namespace corvid {

class worker {
public:
    worker(scheduler& root, std::size_t number);
    worker(const worker&) = delete;
    worker& operator=(const worker&) = delete;

    [[nodiscard]] scheduler& loop() noexcept { return thread_->loop(); }
    [[nodiscard]] std::size_t number() const noexcept { return number_; } ///< from 0
    [[nodiscard]] bool is_current() noexcept { return scheduler::current() == &loop(); }

    // On its own thread.

    /// Work begins.
    void begins(steady_time now) noexcept;
    /// `over` goes to the loop `to`, with whatever else ends soon.
    void give_back(scheduler& to, work& over, steady_time now) noexcept;

private:
    struct end_of_turn : work {
        explicit end_of_turn(worker& w) noexcept;
        worker& of;
    };
    const std::size_t number_;
    post_lists back_;
    end_of_turn end_of_turn_;
    bool in_turn_ = false;
    steady_time since_{}; // what goes back has gathered since then
    std::unique_ptr<loop_thread> thread_;
};

class worker_pool {
public:
    /// 0 threads: one a core.
    explicit worker_pool(scheduler& root, std::size_t threads = 0);

    [[nodiscard]] std::size_t size() const noexcept { return workers_.size(); }
    [[nodiscard]] worker& operator[](std::size_t number) noexcept { return *workers_[number]; }

private:
    std::vector<std::unique_ptr<worker>> workers_;
};

} // namespace corvid
