// SPDX-License-Identifier: Apache-2.0
//
// waker: a node that brings a loop to look into a box. It may still be queued on the loop when the box's
// owner has gone; the cluster keeps every waker until it is not queued any more.
#pragma once

#include <corvid/base/scheduler.hpp>

#include <atomic>

namespace corvid::memory {

class waker : private work {
public:
    explicit waker(scheduler& loop) noexcept : work(&waker::go), loop_(loop) {}
    virtual ~waker() = default;
    waker(const waker&) = delete;
    waker& operator=(const waker&) = delete;

    /// Any thread; many calls before the loop gets to it make one visit.
    void wake() noexcept {
        if (!queued_.exchange(true)) loop_.post(*this);
    }
    /// Nothing of it is on the loop.
    [[nodiscard]] bool idle() const noexcept { return !queued_.load() && !visiting_.load(); }
    [[nodiscard]] scheduler& loop() const noexcept { return loop_; }

protected:
    /// On the loop. What is put into the box from now on brings another visit.
    virtual void visit() noexcept = 0;

private:
    static void go(work& self) noexcept {
        auto& me = static_cast<waker&>(self);
        me.visiting_.store(true);
        me.queued_.store(false);
        me.visit();
        me.visiting_.store(false);
    }
    scheduler& loop_;
    std::atomic<bool> queued_{false};
    std::atomic<bool> visiting_{false};
};

} // namespace corvid::memory
