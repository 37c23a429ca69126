// SPDX-License-Identifier: Apache-2.0
//
// socket: waits until a connection's descriptor can be read or written, or a deadline has passed. On one
// loop. The descriptor is libpq's: it is detached before libpq may close it. Internal.
#pragma once

#include <corvid/base/operation.hpp>
#include <corvid/base/scheduler.hpp>

namespace corvid::store::detail {

class socket {
public:
    /// `when_idle` runs when bytes come while no deadline is set, so while nobody is at work with them.
    socket(scheduler& loop, void (*when_idle)(void*) noexcept, void* owner) noexcept
        : loop_(loop), idle_(when_idle), owner_(owner) {}
    ~socket() { detach(); }
    socket(const socket&) = delete;
    socket& operator=(const socket&) = delete;

    void attach(int fd);
    void detach() noexcept;
    [[nodiscard]] bool attached() const noexcept { return readable_.fd >= 0; }

    void set_deadline(steady_time when);
    /// At work, however long that takes, until clear_deadline().
    void work_without_deadline() noexcept;
    void clear_deadline() noexcept;

    enum class direction : std::uint8_t { read, write, both };
    class wait_operation : public operation<wait_operation, bool> {
    public:
        wait_operation(socket& s, direction d) noexcept : direction_(d), socket_(s) {}
        bool start();
        bool take() const noexcept { return !socket_.late_; }

    private:
        friend class socket;
        direction direction_;
        socket& socket_;
    };
    /// True when it may go on, false when the deadline has passed. One at a time.
    [[nodiscard]] wait_operation ready(direction d) noexcept { return {*this, d}; }

private:
    struct reader : watcher {
        explicit reader(socket& s) noexcept
            : watcher(-1, [](work& w) noexcept { static_cast<reader&>(w).owner.on_readable(); }), owner(s) {}
        socket& owner;
    };
    struct writer : work {
        explicit writer(socket& s) noexcept
            : work([](work& w) noexcept { static_cast<writer&>(w).owner.on_writable(); }), owner(s) {}
        socket& owner;
        bool armed = false;
    };
    struct alarm : timer {
        explicit alarm(socket& s) noexcept
            : timer([](work& w) noexcept { static_cast<alarm&>(w).owner.on_deadline(); }), owner(s) {}
        socket& owner;
    };

    void on_readable() noexcept;
    void on_writable() noexcept;
    void on_deadline() noexcept;
    void wake() noexcept;

    scheduler& loop_;
    void (*idle_)(void*) noexcept;
    void* owner_;
    reader readable_{*this};
    writer writable_{*this};
    alarm deadline_{*this};
    wait_operation* waiting_ = nullptr;
    bool at_work_ = false; // one that was woken may not have run yet
    bool late_ = false;
};

} // namespace corvid::store::detail
