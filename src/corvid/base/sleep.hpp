// SPDX-License-Identifier: Apache-2.0
//
// sleep: waits on the home loop's clock, so that tests with a simulated scheduler wait no real time.
//
//   co_await corvid::sleep(200ms);      // in a corvid::task only; takes at least that long
#pragma once

#include <corvid/base/operation.hpp>

namespace corvid {

class sleep_operation : public operation<sleep_operation, void> {
public:
    /// `touched`: what the waiter goes on with, see timer::behind.
    explicit sleep_operation(duration length, std::array<const void*, 2> touched = {}) noexcept
        : timer_(*this), length_(length) {
        timer_.behind = {nullptr, touched[0], touched[1]};
    }

    template <detail::HasHome Promise>
    bool await_suspend(std::coroutine_handle<Promise> waiter) {
        if constexpr (requires { waiter.promise().continuation.waiter; }) // who awaits the waiter is next
            timer_.behind[0] = waiter.promise().continuation.waiter.address();
        return operation::await_suspend(waiter);
    }
    bool start() {
        home_->at(home_->steady_now() + length_, timer_);
        return true;
    }
    void take() const noexcept {}

private:
    struct wake : timer {
        explicit wake(sleep_operation& o) noexcept
            : timer([](work& w) noexcept { static_cast<wake&>(w).owner.resume_.waiter.resume(); }),
              owner(o) {}
        sleep_operation& owner;
    };
    wake timer_;
    duration length_;
};

[[nodiscard]] inline sleep_operation sleep(duration length) noexcept { return sleep_operation(length); }

} // namespace corvid
