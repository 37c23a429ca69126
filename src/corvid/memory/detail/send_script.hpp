// SPDX-License-Identifier: Apache-2.0
//
// send_script: the faults that records on their way meet. Any thread; `disturbed` is all that an undisturbed
// send reads.
#pragma once

#include <corvid/broker/record_sink.hpp>

#include <atomic>
#include <mutex>
#include <optional>

namespace corvid::memory {

struct send_failure {
    error why;
    broker::persistence persisted;
};

class send_script {
public:
    [[nodiscard]] bool disturbed() const noexcept { return disturbed_.load(std::memory_order_relaxed); }
    [[nodiscard]] bool down() const noexcept { return down_.load(); }
    [[nodiscard]] duration delay() const noexcept { return duration(delay_.load()); }

    void set_down(bool down) noexcept {
        const std::lock_guard lock(mutex_);
        down_.store(down);
        settle();
    }
    void set_delay(duration delay) noexcept {
        const std::lock_guard lock(mutex_);
        delay_.store(delay.count());
        settle();
    }
    void fail_next(std::uint64_t count, send_failure with) {
        const std::lock_guard lock(mutex_);
        failures_ = count;
        failure_ = std::move(with);
        settle();
    }
    /// What the next record fails with, if it is to fail.
    [[nodiscard]] std::optional<send_failure> draw_failure() {
        const std::lock_guard lock(mutex_);
        if (failures_ == 0) return std::nullopt;
        --failures_;
        settle();
        return failure_;
    }

private:
    void settle() noexcept { disturbed_.store(down() || delay_.load() != 0 || failures_ != 0); }

    std::mutex mutex_;
    std::uint64_t failures_ = 0;
    std::optional<send_failure> failure_;
    std::atomic<bool> down_{false};
    std::atomic<duration::rep> delay_{0};
    std::atomic<bool> disturbed_{false};
};

} // namespace corvid::memory
