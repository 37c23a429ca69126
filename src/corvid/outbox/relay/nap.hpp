// SPDX-License-Identifier: Apache-2.0
//
// nap: where one coroutine of a loop rests until a time, or until it is woken. On that loop. Internal.
#pragma once

#include <corvid/base/operation.hpp>
#include <corvid/base/scheduler.hpp>

#include <utility>

namespace corvid::outbox_detail {

class nap {
public:
    explicit nap(scheduler& loop) noexcept : loop_(loop) {}
    nap(const nap&) = delete;
    nap& operator=(const nap&) = delete;

    class rest_operation : public operation<rest_operation, void> {
    public:
        rest_operation(nap& in, steady_time until) noexcept : nap_(in), until_(until) {}
        bool start() {
            if (nap_.over_ || nap_.loop_.steady_now() >= until_) return false;
            nap_.resting_ = this;
            nap_.loop_.at(until_, nap_.timer_);
            return true;
        }
        void take() const noexcept {}

    private:
        friend class nap;
        nap& nap_;
        steady_time until_;
    };
    /// One at a time.
    [[nodiscard]] rest_operation until(steady_time when) noexcept { return {*this, when}; }
    void wake() noexcept {
        rest_operation* const rested = std::exchange(resting_, nullptr);
        if (!rested) return;
        loop_.cancel(timer_);
        rested->complete();
    }
    /// Wakes, and nobody rests here any more.
    void end() noexcept {
        over_ = true;
        wake();
    }

private:
    struct alarm : timer {
        explicit alarm(nap& n) noexcept
            : timer([](work& w) noexcept { static_cast<alarm&>(w).of.wake(); }), of(n) {}
        nap& of;
    };
    scheduler& loop_;
    alarm timer_{*this};
    rest_operation* resting_ = nullptr;
    bool over_ = false;
};

} // namespace corvid::outbox_detail
