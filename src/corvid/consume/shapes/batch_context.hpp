// SPDX-License-Identifier: Apache-2.0
//
// batch_context: what a batch handler knows beside its records, and through which it publishes. A view of the
// attempt; it lives until the handler returns or its task is complete.
#pragma once

#include <corvid/base/sleep.hpp>
#include <corvid/base/stop.hpp>
#include <corvid/base/task.hpp>
#include <corvid/consume/context.hpp>
#include <corvid/consume/shapes/batch_attempt.hpp>
#include <corvid/observe/log.hpp>

#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace corvid {

class batch_context {
public:
    batch_context(batch_attempt& of, const batch_attempt::range& which);
    ~batch_context();
    batch_context(const batch_context&) = delete;
    batch_context& operator=(const batch_context&) = delete;

    /// The record at `at` of the batch, as a handler of single records sees it, and to publish for it: it is
    /// done when that is acknowledged, the others do not wait. Lives as long as this. Throws out_of_range.
    ///
    ///     ctx.of(i).publish(receipt);
    ///
    /// A message about several records holds the one that it is published for: await it, and say retry for
    /// all when it failed; and give it an event_id of its own, as a batch comes again with other neighbours.
    [[nodiscard]] context& of(std::size_t at);

    /// Of a record of the batch, by number, that what was published for it was not acknowledged.
    struct unpublished {
        std::size_t which;
        outcome why;
    };
    /// Waits for what was published: nothing is open any more.
    [[nodiscard]] task<std::vector<unpublished>> acknowledged();

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
    struct single {
        single(const run& in, held_record& what) : alone(in, what), ctx(alone) {}
        run alone;
        context ctx;
    };
    batch_attempt& of_;
    batch_attempt::range range_;
    const run_origin* origin_;
    int attempt_;
    std::optional<stop_source> asked_;
    stop_token token_;
    std::deque<link> links_;
    std::vector<std::unique_ptr<single>> singles_; ///< made when asked for
};

} // namespace corvid
