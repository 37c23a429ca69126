// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/scheduler.hpp>

#include <condition_variable>
#include <mutex>

namespace corvid {

namespace {
thread_local scheduler* running_loop = nullptr;
}

scheduler* scheduler::current() noexcept { return running_loop; }
scheduler* scheduler::enter(scheduler* loop) noexcept { return std::exchange(running_loop, loop); }

// Every look at the flag takes the lock: whoever has seen it set may destroy the signal, and set() must have
// left by then.
struct signal::state {
    std::mutex mutex;
    std::condition_variable changed;
    bool set = false;
};

signal::signal() : state_(std::make_unique<state>()) {}
signal::~signal() = default;

void signal::set() noexcept {
    const std::scoped_lock lock(state_->mutex);
    state_->set = true;
    state_->changed.notify_all();
}

bool signal::is_set() const noexcept {
    const std::scoped_lock lock(state_->mutex);
    return state_->set;
}

bool signal::wait_until(steady_time deadline) noexcept {
    std::unique_lock lock(state_->mutex);
    const auto set = [this] { return state_->set; };
    if (deadline != steady_time::max()) return state_->changed.wait_until(lock, deadline, set);
    state_->changed.wait(lock, set);
    return true;
}

namespace {
thread_local constinit turn* open_turn = nullptr;
}

turn::turn() noexcept : outer_(open_turn) { open_turn = this; }

turn::~turn() {
    while (work* node = ends_.pop())
        node->run(*node);
    open_turn = outer_;
}

bool turn::at_end(work& node) noexcept {
    if (!open_turn) return false;
    open_turn->ends_.push(node);
    return true;
}

} // namespace corvid
