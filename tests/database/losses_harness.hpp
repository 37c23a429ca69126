// SPDX-License-Identifier: Apache-2.0
//
// What ends all sessions of a database under test while handlers work.
#pragma once

#include "batches_harness.hpp"
#include "postgres_server.hpp"

#include <atomic>

namespace corvid::test {

template <class Fixture>
class losses : public Fixture {
protected:
    using Fixture::here_;
    /// Five times, in the middle of it.
    void end_all_sessions(const booked& at) {
        if (at.account != "a0" || at.n % 20 != 11) return;
        end_sessions_of(here_->url());
        ++deaths_;
    }
    void end_all_sessions(batch_of_booked batch) {
        for (const auto& one : batch) // which comes again with this transaction: once for each
            if (one->account == "a0" && ended_at_.insert(one->n).second) end_all_sessions(*one);
    }
    std::atomic<int> deaths_{0};
    std::set<int> ended_at_; // of one batch at a time: a0 is one key
};

} // namespace corvid::test
