// SPDX-License-Identifier: Apache-2.0
#include <corvid/service/threaded_scheduler.hpp>

#include <corvid/base/timer_queue.hpp>
#include <corvid/service/detail/asio_access.hpp>
#include <corvid/service/detail/handler_memory.hpp>

#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <pthread.h>
#include <sched.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace corvid {

namespace asio = boost::asio;

namespace {

using detail::handler_allocator;
using detail::handler_memory;

// A watched descriptor. Its waiting operation, which lies in `memory`, shares it: after unwatch() the
// operation still comes back once, cancelled.
struct watched {
    watched(asio::io_context& io, watcher& w) : node(&w), fd(io) {
        boost::system::error_code failed;
        if (fd.assign(w.fd, failed)) throw std::system_error(failed, "a descriptor cannot be watched");
    }
    handler_memory memory;
    handler_memory write_memory;
    watcher* node; // null: no longer watched
    asio::posix::stream_descriptor fd;
};

// Wakes the io_context at a time: Asio's own timer would set its descriptor twice a wake-up, which is most of
// what one costs.
class alarm_clock {
public:
    explicit alarm_clock(asio::io_context& io) : fd_(io) {
        const int made = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        if (made < 0) throw std::system_error(errno, std::generic_category(), "no timer descriptor");
        fd_.assign(made);
    }

    /// An alarm that is too early stays: it costs one round, and moving it for every timer would cost more.
    void set(steady_time when) {
        if (set_for_ && *set_for_ <= when) return;
        set_for_ = when;
        const auto since = when.time_since_epoch();
        const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
        itimerspec at{};
        at.it_value.tv_sec = seconds.count();
        at.it_value.tv_nsec = (since - seconds).count();
        ::timerfd_settime(fd_.native_handle(), TFD_TIMER_ABSTIME, &at, nullptr);
        if (std::exchange(waits_, true)) return;
        fd_.async_wait(asio::posix::stream_descriptor::wait_read,
                       asio::bind_allocator(handler_allocator<std::byte>(memory_),
                                            [this](const boost::system::error_code&) {
                                                waits_ = false;
                                                set_for_.reset();
                                            }));
    }

private:
    handler_memory memory_;
    asio::posix::stream_descriptor fd_; // setting it anew takes back that it has rung: it is never read
    std::optional<steady_time> set_for_;
    bool waits_ = false;
};

} // namespace

struct threaded_scheduler::impl {
    explicit impl(scheduler& owner) : self(owner) {}

    void run(const std::function<void()>& first);
    void take_turn();
    [[nodiscard]] bool is_dense() const noexcept;
    void run_nodes();
    void run_timers();
    void take_remote();
    bool sleep();
    void poll();
    void finish();

    void post(work_list&& nodes) noexcept;
    void wake_if(bool needed) noexcept;
    [[nodiscard]] bool claim_wake() noexcept { return asleep && !wake_queued && (wake_queued = true); }
    void await_readable(std::shared_ptr<watched> target);
    void await_writable(std::shared_ptr<watched> target, work& once);
    void unwatch(watcher& node) noexcept;

    static constexpr duration longest_turn = std::chrono::microseconds{200};
    // From so many timers on, one wake-up is for all that are due so soon after the first: else most of what
    // a loop with thousands of them does is to wake up.
    static constexpr duration slack = std::chrono::microseconds{50};
    static constexpr std::size_t many_timers = 64;
    static constexpr unsigned nodes_between_polls = 64;
    static constexpr duration time_between_polls = std::chrono::microseconds{50};

    scheduler& self;
    handler_memory wake_memory;
    asio::io_context io{1};
    asio::executor_work_guard<asio::io_context::executor_type> guard{io.get_executor()};
    alarm_clock alarm{io};

    // The loop's own.
    steady_time polled{};
    timer_queue timers;
    work_list local;
    std::vector<std::shared_ptr<watched>> watching;

    std::atomic<bool> stopping{false};
    std::atomic<bool> remote_filled{false}; // written under the mutex
    std::mutex mutex;
    work_list remote;         // under the mutex, as all below
    bool asleep = false;      // the loop is, or is about to be, inside Asio: a post must wake it
    bool wake_queued = false; // the one wake-up is under way: wake_memory is in use
    bool ended = false;
};

void threaded_scheduler::impl::run(const std::function<void()>& first) {
    scheduler* const before = enter(&self);
    if (!stopping) first();
    while (!stopping) {
        take_turn();
        if (!local.empty() || !sleep()) poll();
    }
    finish();
    enter(before);
}

// Ends before the loop sleeps, or after a while: but where timers are dense it sleeps between them, too.
void threaded_scheduler::impl::take_turn() {
    const turn this_one;
    const steady_time end = self.steady_now() + longest_turn;
    for (;;) {
        run_nodes();
        run_timers();
        if (stopping || self.steady_now() >= end || (local.empty() && !is_dense())) return;
        if (!local.empty() || !sleep()) poll();
    }
}

bool threaded_scheduler::impl::is_dense() const noexcept {
    return timers.size() >= many_timers && timers.next_due() <= self.steady_now() + slack;
}

void threaded_scheduler::impl::run_nodes() {
    for (unsigned left = nodes_between_polls; left > 0 && !stopping.load(std::memory_order_relaxed); --left) {
        work* next = local.pop();
        if (!next) {
            take_remote();
            next = local.pop();
        }
        if (!next) return;
        local.prefetch();
        next->run(*next);
    }
}

// As many as were pending at the start: a timer that sets itself again for the past does not hold the loop.
void threaded_scheduler::impl::run_timers() {
    if (timers.empty()) return;
    const steady_time now = self.steady_now();
    for (std::size_t left = timers.size(); left > 0 && timers.due_at(now) && !stopping; --left) {
        timer& next = timers.pop();
        next.run(next);
    }
}

void threaded_scheduler::impl::take_remote() {
    if (!remote_filled.load(std::memory_order_acquire)) return;
    const std::scoped_lock lock(mutex);
    local.append(std::move(remote));
    remote_filled.store(false, std::memory_order_relaxed);
}

// Until Asio has something to do, a wake-up included. False, at once, if nodes have come meanwhile.
bool threaded_scheduler::impl::sleep() {
    if (!timers.empty()) alarm.set(timers.next_due() + (timers.size() >= many_timers ? slack : duration()));
    {
        const std::scoped_lock lock(mutex);
        if (!remote.empty() || stopping) return false;
        asleep = true;
    }
    io.run_one();
    const std::scoped_lock lock(mutex);
    asleep = false;
    return true;
}

// A loop that never sleeps looks after its descriptors too, but not between any two short batches: it is a
// system call.
void threaded_scheduler::impl::poll() {
    const steady_time now = self.steady_now();
    if (now - polled < time_between_polls) return;
    polled = now;
    // So many and no more: a descriptor that stays readable is ready again each time.
    for (unsigned left = nodes_between_polls; left > 0 && io.poll_one() > 0; --left) {}
}

// Lets go of every node while they all live. A poster that has claimed the wake-up is waited for: it still
// uses `io`.
void threaded_scheduler::impl::finish() {
    timers.clear();
    while (!watching.empty())
        unwatch(*watching.back()->node);
    std::unique_lock lock(mutex);
    asleep = false;
    while (wake_queued) {
        lock.unlock();
        io.run_one();
        lock.lock();
    }
    ended = true;
    while (remote.pop()) {}
    while (local.pop()) {}
}

void threaded_scheduler::impl::post(work_list&& nodes) noexcept {
    if (nodes.empty()) return;
    if (current() == &self) {
        take_remote(); // what was posted before stays before
        local.append(std::move(nodes));
        return;
    }
    std::unique_lock lock(mutex);
    if (ended) return;
    remote.append(std::move(nodes));
    remote_filled.store(true, std::memory_order_release);
    const bool wake = claim_wake();
    lock.unlock();
    wake_if(wake);
}

void threaded_scheduler::impl::wake_if(bool needed) noexcept {
    if (!needed) return;
    asio::post(io, asio::bind_allocator(handler_allocator<std::byte>(wake_memory), [this] {
                   const std::scoped_lock lock(mutex);
                   wake_queued = false;
               }));
}

void threaded_scheduler::impl::await_readable(std::shared_ptr<watched> target) {
    watched& each = *target;
    auto ready = [this, kept = std::move(target)](const boost::system::error_code& failed) mutable {
        if (failed || !kept->node || stopping) return;
        kept->node->run(*kept->node);
        if (kept->node) await_readable(std::move(kept));
    };
    each.fd.async_wait(asio::posix::stream_descriptor::wait_read,
                       asio::bind_allocator(handler_allocator<std::byte>(each.memory), std::move(ready)));
}

void threaded_scheduler::impl::await_writable(std::shared_ptr<watched> target, work& once) {
    watched& each = *target;
    auto ready = [this, &once, kept = std::move(target)](const boost::system::error_code&) {
        if (kept->node && !stopping) once.run(once);
    };
    each.fd.async_wait(
        asio::posix::stream_descriptor::wait_write,
        asio::bind_allocator(handler_allocator<std::byte>(each.write_memory), std::move(ready)));
}

void threaded_scheduler::impl::unwatch(watcher& node) noexcept {
    auto* const target = static_cast<watched*>(std::exchange(node.state, nullptr));
    if (!target) return;
    target->node = nullptr;
    target->fd.release();
    std::erase_if(watching, [&](const auto& each) { return each.get() == target; });
}

threaded_scheduler::threaded_scheduler() : impl_(std::make_unique<impl>(*this)) {}
threaded_scheduler::~threaded_scheduler() {
    if (!impl_->ended) impl_->finish();
}

void threaded_scheduler::run() {
    impl_->run([] {});
}

void threaded_scheduler::post(work_list&& nodes) noexcept { impl_->post(std::move(nodes)); }
bool threaded_scheduler::cancel(timer& node) noexcept { return impl_->timers.remove(node); }
void threaded_scheduler::unwatch(watcher& node) noexcept { impl_->unwatch(node); }

void threaded_scheduler::at(steady_time when, timer& node) {
    if (!impl_->ended) impl_->timers.add(when, node);
}

void threaded_scheduler::watch(watcher& node) {
    if (impl_->ended) return;
    auto target = std::make_shared<watched>(impl_->io, node);
    impl_->watching.push_back(target);
    node.state = target.get();
    impl_->await_readable(std::move(target));
}

void threaded_scheduler::when_writable(watcher& node, work& once) {
    if (impl_->ended) return;
    const auto found =
        std::ranges::find(impl_->watching, node.state, [](const auto& each) { return each.get(); });
    if (found == impl_->watching.end()) throw std::logic_error("only a watched descriptor can be waited for");
    impl_->await_writable(*found, once);
}

steady_time threaded_scheduler::steady_now() const noexcept { return std::chrono::steady_clock::now(); }
wall_time threaded_scheduler::wall_now() const noexcept {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

std::size_t threaded_scheduler::cores() const noexcept {
    cpu_set_t mine;
    CPU_ZERO(&mine);
    if (sched_getaffinity(0, sizeof mine, &mine) != 0)
        return std::max(1U, std::thread::hardware_concurrency());
    return static_cast<std::size_t>(std::max(1, CPU_COUNT(&mine)));
}

bool threaded_scheduler::wait(signal& done, std::optional<steady_time> deadline) {
    if (current()) throw std::logic_error("a loop must not wait for a signal: it would block itself");
    return done.wait_until(deadline.value_or(steady_time::max()));
}

void threaded_scheduler::stop() noexcept {
    impl_->stopping = true;
    bool wake = false;
    {
        const std::scoped_lock lock(impl_->mutex);
        wake = impl_->claim_wake();
    }
    impl_->wake_if(wake);
}

std::unique_ptr<loop_thread> threaded_scheduler::run_thread(std::string name,
                                                            std::function<void(scheduler&)> start) {
    struct threaded_loop final : loop_thread {
        threaded_loop(const std::string& name, std::function<void(scheduler&)> start)
            : thread([this, name = name.substr(0, 15), start = std::move(start)]() noexcept {
                  pthread_setname_np(pthread_self(), name.c_str());
                  made.impl_->run([&] { start(made); });
              }) {}
        ~threaded_loop() override {
            made.stop();
            thread.join();
        }
        scheduler& loop() noexcept override { return made; }

        threaded_scheduler made;
        std::thread thread;
    };
    return std::make_unique<threaded_loop>(name, std::move(start));
}

asio::io_context& detail::asio_access::context(scheduler& loop) {
    if (auto* const threaded = dynamic_cast<threaded_scheduler*>(&loop)) return threaded->impl_->io;
    throw std::logic_error("only a threaded loop has an io_context");
}

} // namespace corvid
