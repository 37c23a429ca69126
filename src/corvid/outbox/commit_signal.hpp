// SPDX-License-Identifier: Apache-2.0
//
// commit_signal: tells the relays of this process that events were committed to their database, without SQL;
// those of others hear it by NOTIFY. Internal.
#pragma once

#include <corvid/base/scheduler.hpp>

#include <string_view>

namespace corvid::outbox_detail {

/// While it lives it hears of commits on the database whose loop it was made for: on that loop.
class commit_listener {
public:
    explicit commit_listener(scheduler& loop_of_database);
    virtual ~commit_listener();
    commit_listener(const commit_listener&) = delete;
    commit_listener& operator=(const commit_listener&) = delete;
    /// True where it sends all that there is by itself.
    virtual bool committed() noexcept = 0;

private:
    friend bool tell_commit() noexcept;
    scheduler& loop_;
};

inline constexpr std::string_view commit_channel = "corvid_outbox";

/// On a database's loop. True where no other process needs to know.
bool tell_commit() noexcept;

} // namespace corvid::outbox_detail
