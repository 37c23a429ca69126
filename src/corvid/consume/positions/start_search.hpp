// SPDX-License-Identifier: Apache-2.0
//
// start_search: where partitions that were just assigned begin, of subscriptions whose completion stage keeps
// positions: the stage is asked, then the broker whether its log reaches so far. They are accepted when all
// is known; until then the loop takes no other event. Internal.
#pragma once

#include <corvid/base/post_call.hpp>
#include <corvid/broker/admin.hpp>
#include <corvid/broker/record_source.hpp>
#include <corvid/lanes/assignment.hpp>

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace corvid {

class group_loop;

struct start_search {
    struct one {
        epoch of;
        topic_partition where;
        bool is_asked = false;
        bool is_found = false;
        std::optional<offset> position = {};
    };
    std::vector<broker::start_at> starts = {}; ///< of all that was assigned together
    std::vector<one> wanted = {};
    std::unique_ptr<loop_thread> asker = {}; ///< of log ranges: admin calls block
    bool is_answered = true;                 ///< what the asker was asked
};

struct found_range {
    epoch of;
    result<broker::log_range> range;
};

/// Lets other threads reach a group loop as long as it is there.
class loop_door {
public:
    explicit loop_door(group_loop& to) noexcept : to_(&to) {}
    /// `what(loop)` runs on its loop, or never.
    template <class F>
    void post(scheduler& loop, F what) {
        const std::lock_guard lock(mutex_);
        if (!to_) return;
        post_call(loop, [to = to_, what = std::move(what)]() mutable { what(*to); });
    }
    void close() noexcept {
        const std::lock_guard lock(mutex_);
        to_ = nullptr;
    }

private:
    std::mutex mutex_;
    group_loop* to_;
};

} // namespace corvid
