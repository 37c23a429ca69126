// SPDX-License-Identifier: Apache-2.0
//
// commit_signal: tells the relays of this process that events were committed to their database, without SQL.
// Internal.
#pragma once

#include <corvid/base/scheduler.hpp>

namespace corvid::outbox_detail {

/// While it lives it hears of commits on the database whose loop it was made for: on that loop.
class commit_listener {
public:
    explicit commit_listener(scheduler& loop_of_database);
    virtual ~commit_listener();
    commit_listener(const commit_listener&) = delete;
    commit_listener& operator=(const commit_listener&) = delete;
    virtual void committed() noexcept = 0;

private:
    friend void tell_commit() noexcept;
    scheduler& loop_;
};

/// On a database's loop.
void tell_commit() noexcept;

} // namespace corvid::outbox_detail
