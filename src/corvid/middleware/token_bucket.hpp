// SPDX-License-Identifier: Apache-2.0
//
// token_bucket: so many a second, and a burst after a rest. A pure value: the time comes in, the answer goes
// out. In any span of length L it grants at most burst + L · rate (the generic cell rate algorithm: one point
// in time instead of a count of tokens, so nothing has to tick).
//
// rate_limit: the same for several threads.
#pragma once

#include <corvid/middleware/settings.hpp>

#include <algorithm>
#include <mutex>

namespace corvid {

class token_bucket {
public:
    /// `settings` are valid and set.
    explicit token_bucket(const rate_settings& settings);

    /// A token, if there is one now that nobody has reserved.
    [[nodiscard]] bool take(steady_time now) noexcept;
    /// One of those to come, in the order of asking: not to be used before the answer.
    [[nodiscard]] steady_time reserve(steady_time now) noexcept;
    /// One that was taken or reserved and is not used.
    void give_back() noexcept { full_again_ -= interval_; }
    /// When there is one, if nobody else asks.
    [[nodiscard]] steady_time next(steady_time now) const noexcept {
        return std::max(now, full_again_ - slack_);
    }

    /// How long to let tokens gather for who comes for more than one: at most what half the bucket takes.
    [[nodiscard]] duration pause() const noexcept {
        return std::min<duration>(slack_ / 2, std::chrono::milliseconds(1));
    }

private:
    duration interval_; // between two tokens
    duration slack_;    // what a full bucket allows to be ahead
    steady_time full_again_{};
};

class rate_limit {
public:
    explicit rate_limit(const rate_settings& settings) : bucket_(settings) {}
    [[nodiscard]] bool take(steady_time now) noexcept {
        const std::lock_guard lock(mutex_);
        return bucket_.take(now);
    }
    [[nodiscard]] steady_time reserve(steady_time now) noexcept {
        const std::lock_guard lock(mutex_);
        return bucket_.reserve(now);
    }
    [[nodiscard]] steady_time next(steady_time now) const noexcept {
        const std::lock_guard lock(mutex_);
        return bucket_.next(now);
    }
    [[nodiscard]] duration pause() const noexcept { return bucket_.pause(); }
    void give_back() noexcept {
        const std::lock_guard lock(mutex_);
        bucket_.give_back();
    }

private:
    mutable std::mutex mutex_;
    token_bucket bucket_;
};

} // namespace corvid
