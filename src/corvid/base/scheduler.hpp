// SPDX-License-Identifier: Apache-2.0
//
// scheduler: the one seam to time, threads and readiness. Nothing else in corvid names a clock, a timer or a
// thread. Two implementations: threads (service/threaded_scheduler.hpp) and simulated (base/simulation.hpp).
//
// A scheduler is one loop. What is posted to it runs one at a time, in the order of posting; what is posted
// to two loops may run at the same time. All nodes are intrusive: scheduling allocates nothing, and a node
// must stay alive and in place until it has run (or was cancelled).
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace corvid {

using duration = std::chrono::nanoseconds;
using steady_time = std::chrono::steady_clock::time_point;
using wall_time = std::chrono::sys_time<std::chrono::milliseconds>;

/// Asks for memory that will be touched soon, so that it comes while something else runs. It may be gone by
/// then.
inline void prefetch(const void* from, std::size_t bytes) noexcept {
    constexpr std::size_t line = 64;
    for (std::size_t at = 0; at < bytes; at += line)
        __builtin_prefetch(static_cast<const char*>(from) + at, 1);
    asm volatile(""); // g++ 12 takes a function that does no more for one without effect, and calls it never
}

/// A node that waits to be run once. `run` may destroy or re-post the node.
struct work {
    using function = void (*)(work&) noexcept;
    explicit work(function f) noexcept : run(f) {}
    work* next = nullptr;
    function run;

    /// Asks for the node's memory, and for what lies around it (nodes stand in what they run on): where many
    /// wait they have left the cache, and come back while another runs.
    void prefetch() const noexcept {
        constexpr std::ptrdiff_t around = 128;
        corvid::prefetch(reinterpret_cast<const char*>(this) - around, 2 * around + 64);
    }
};

/// Nodes in the order of arrival; hands over as a whole in O(1). Owns nothing.
class work_list {
public:
    work_list() = default;
    work_list(work_list&& other) noexcept
        : head_(std::exchange(other.head_, nullptr)), tail_(std::exchange(other.tail_, nullptr)) {}
    work_list& operator=(work_list&&) = delete;

    [[nodiscard]] bool empty() const noexcept { return head_ == nullptr; }

    void push(work& node) noexcept {
        node.next = nullptr;
        (tail_ ? tail_->next : head_) = &node;
        tail_ = &node;
    }

    void append(work_list&& other) noexcept {
        if (other.empty()) return;
        (tail_ ? tail_->next : head_) = other.head_;
        tail_ = other.tail_;
        other.head_ = other.tail_ = nullptr;
    }

    /// The first node's memory.
    void prefetch() const noexcept {
        if (head_) head_->prefetch();
    }

    [[nodiscard]] work* pop() noexcept {
        work* node = head_;
        if (node && !(head_ = node->next)) tail_ = nullptr;
        return node;
    }

private:
    work* head_ = nullptr;
    work* tail_ = nullptr;
};

/// A node that runs once at a time. Scheduled and cancelled on the scheduler's own thread only.
struct timer : work {
    using work::work;
    static constexpr std::uint32_t idle = static_cast<std::uint32_t>(-1);
    steady_time due{};
    std::uint32_t seat = idle; ///< the scheduler's own
    /// What `run` will touch beside the node, as far as is known: where many wait it has left the cache, and
    /// comes back while the one before runs. It may be gone by then. So many bytes of each.
    static constexpr std::array<std::size_t, 3> length_behind{256, 128, 384};
    std::array<const void*, length_behind.size()> behind{};
    [[nodiscard]] bool pending() const noexcept { return seat != idle; }
    void prefetch_behind() const noexcept {
        for (std::size_t i = 0; i < behind.size(); ++i)
            if (behind[i]) corvid::prefetch(behind[i], length_behind[i]);
    }
};

/// A node that runs each time `fd` is readable, until it is unwatched. What `run` leaves unread makes it run
/// again.
struct watcher : work {
    watcher(int descriptor, function f) noexcept : work(f), fd(descriptor) {}
    int fd;
    void* state = nullptr; ///< the scheduler's own
};

/// A one-shot flag that a thread outside every loop can wait for (scheduler::wait). Set once, from any
/// thread.
class signal {
public:
    signal();
    ~signal();
    signal(const signal&) = delete;
    signal& operator=(const signal&) = delete;
    void set() noexcept;
    [[nodiscard]] bool is_set() const noexcept;
    /// Blocks the calling thread; only scheduler implementations call it.
    bool wait_until(steady_time deadline) noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

class scheduler;

/// A loop of its own, as run_thread() made it. Destroying it stops the loop and joins it; never from within
/// itself.
class loop_thread {
public:
    virtual ~loop_thread() = default;
    [[nodiscard]] virtual scheduler& loop() noexcept = 0;
};

class scheduler {
public:
    virtual ~scheduler() = default;

    /// Runs the nodes on this loop, after all that was posted before. Any thread; one wake-up for the whole
    /// list.
    virtual void post(work_list&& nodes) noexcept = 0;
    void post(work& node) noexcept {
        work_list one;
        one.push(node);
        post(std::move(one));
    }

    /// Runs `node` at `when` or as soon after as the loop gets to it; where many timers wait, it may sleep up
    /// to 50 µs longer, to wake up for several. Own thread only; `node` must be idle.
    virtual void at(steady_time when, timer& node) = 0;
    /// Takes a pending timer back; false if it was not pending. Own thread only.
    virtual bool cancel(timer& node) noexcept = 0;

    /// Runs `node` whenever its fd becomes readable. Own thread only. The simulated scheduler has no
    /// descriptors and throws.
    virtual void watch(watcher& node) = 0;
    virtual void unwatch(watcher& node) noexcept = 0;
    /// Runs `once` as soon as the fd of `node`, which is watched, takes bytes to write, or has failed. One at
    /// a time for a node; unwatch() takes it back. Own thread only.
    virtual void when_writable(watcher& node, work& once) = 0;

    /// Starts another loop, named for logs and debuggers (15 characters at most are shown); `start` is the
    /// first that runs on it.
    [[nodiscard]] virtual std::unique_ptr<loop_thread> run_thread(std::string name,
                                                                  std::function<void(scheduler&)> start) = 0;

    [[nodiscard]] virtual steady_time steady_now() const noexcept = 0;
    [[nodiscard]] virtual wall_time wall_now() const noexcept = 0;

    /// How many threads run at once: what "one a core" means. At least 1.
    [[nodiscard]] virtual std::size_t cores() const noexcept { return 1; }

    /// Waits for `done` until `deadline` (none: without bound) on a thread that is no loop; true when it was
    /// set. The simulated scheduler runs the simulation meanwhile.
    virtual bool wait(signal& done, std::optional<steady_time> deadline) = 0;

    /// Ends the loop after the node that is running; nodes still queued do not run. Any thread, idempotent.
    virtual void stop() noexcept = 0;

    /// The scheduler whose loop the calling thread is running, or null.
    [[nodiscard]] static scheduler* current() noexcept;

protected:
    /// What current() answers on this thread from now on; returns what it answered before.
    static scheduler* enter(scheduler* loop) noexcept;
};

/// A few nodes that a loop runs one after the other. What is worth doing once for all of them hangs itself in
/// and runs when the turn ends, before the loop looks at anything else. Opened on the stack by scheduler
/// implementations, around the nodes they run. Turns may nest: each ends for itself.
class turn {
public:
    turn() noexcept;
    ~turn();
    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;

    /// Runs `node` when the turn of the calling thread ends; false, and it does not, where none is open.
    /// `node` must not be hung in already, and stays alive until it has run.
    [[nodiscard]] static bool at_end(work& node) noexcept;

private:
    turn* outer_;
    work_list ends_;
};

} // namespace corvid
