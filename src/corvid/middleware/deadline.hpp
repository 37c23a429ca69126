// SPDX-License-Identifier: Apache-2.0
//
// deadline: how long one attempt may take. When the time is over the attempt is asked to stop, no more:
// whoever runs goes on until it returns, and only then is it known to be too late.
//
// One serves the attempts of a run one after the other, on the thread that they run on. The time of an
// attempt that waits (a coroutine) is watched by a timer of its loop; one that does not let its loop run is
// asked to stop when it looks (look()). What else asks to stop, `outer` says: it is handed on with its
// reason.
#pragma once

#include <corvid/base/scheduler.hpp>
#include <corvid/base/stop.hpp>

namespace corvid {

class deadline {
public:
    /// `limit` is above 0.
    deadline(duration limit, const stop_token& outer);
    ~deadline();
    deadline(const deadline&) = delete;
    deadline& operator=(const deadline&) = delete;

    /// An attempt begins; `home` watches the time, if given.
    void begin(steady_time now, scheduler* home);
    /// Asks to stop if the time is over.
    void look(steady_time now) noexcept;
    /// The attempt has ended; true: too late.
    [[nodiscard]] bool end(steady_time now) noexcept;

    /// Of the present attempt; valid until the next one begins.
    [[nodiscard]] const stop_token& token() const noexcept { return token_; }
    [[nodiscard]] duration limit() const noexcept { return limit_; }

private:
    struct bell : timer {
        explicit bell(deadline& o) noexcept;
        deadline& owner;
    };
    struct link : stop_callback {
        explicit link(deadline& o) noexcept;
        deadline& owner;
    };

    const duration limit_;
    const stop_token outer_;
    stop_source source_;
    stop_token token_;
    steady_time due_{};
    scheduler* home_ = nullptr;
    bell bell_;
    link link_;
};

} // namespace corvid
