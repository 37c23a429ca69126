// SPDX-License-Identifier: Apache-2.0
//
// batch_context: what a batch handler knows beside its records. A view of the attempt; it lives until the
// handler returns or its task is complete.
#pragma once

#include <corvid/base/sleep.hpp>
#include <corvid/base/stop.hpp>
#include <corvid/consume/shapes/batch_attempt.hpp>
#include <corvid/observe/log.hpp>

#include <deque>
#include <string>

namespace corvid {

class batch_context {
public:
    batch_context(const batch_attempt& of, const batch_attempt::range& which);
    batch_context(const batch_context&) = delete;
    batch_context& operator=(const batch_context&) = delete;

    [[nodiscard]] const std::string& group() const noexcept { return *origin_->group; }
    /// The most that a handler has had one of its records since it was delivered, this time included.
    [[nodiscard]] int attempt() const noexcept { return attempt_; }
    /// Its lines name the group.
    [[nodiscard]] const logger& log() const noexcept { return *origin_->log; }

    /// Asked when one of the batch's partitions is taken away or the service stops: finish soon. Made at the
    /// first call.
    [[nodiscard]] const stop_token& stop();
    /// `co_await ctx.sleep(200ms)`: on the service's clock, which tests move by themselves.
    [[nodiscard]] sleep_operation sleep(duration length) const noexcept { return corvid::sleep(length); }

private:
    /// Hands a partition's request on.
    struct link : stop_callback {
        link(const stop_token& from, const stop_source& to);
        stop_source to;
    };
    const batch_attempt& of_;
    batch_attempt::range range_;
    const run_origin* origin_;
    int attempt_;
    std::optional<stop_source> asked_;
    stop_token token_;
    std::deque<link> links_;
};

} // namespace corvid
