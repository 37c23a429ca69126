// SPDX-License-Identifier: Apache-2.0
//
// termination_signals: SIGTERM and SIGINT of this process, turned into a signal that a thread can wait for.
// The first asks, a second ends the process at once with exit_code::killed. One object at a time in a
// process; the old handlers come back when it goes.
#pragma once

#include <corvid/base/scheduler.hpp>

#include <memory>

namespace corvid {

class termination_signals {
public:
    /// `asked` outlives this object.
    termination_signals(scheduler& root, signal& asked);
    ~termination_signals();
    termination_signals(const termination_signals&) = delete;
    termination_signals& operator=(const termination_signals&) = delete;

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace corvid
