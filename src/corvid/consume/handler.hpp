// SPDX-License-Identifier: Apache-2.0
//
// handler: what the engine calls for the runs of a subscription. run_owner: who gets them back.
#pragma once

#include <corvid/consume/run.hpp>

namespace corvid {

class handler {
public:
    virtual ~handler() = default;
    /// Called once a run (and once more for each further attempt): on the loop, or on a worker. The run lives
    /// until end().
    virtual void start(run& records) noexcept = 0;
    /// True if every run has ended when start() returns. On the loop the engine hands over fetch batches as
    /// they are then, and looks at keys only while something waits.
    [[nodiscard]] virtual bool is_immediate() const noexcept { return false; }
    /// True if it must be given runs as they are, not record by record.
    [[nodiscard]] virtual bool needs_whole_runs() const noexcept { return false; }
    /// True if start() may be called on several workers at once, for runs of different lanes. Else it is
    /// called on the loop.
    [[nodiscard]] virtual bool is_for_workers() const noexcept { return false; }
    /// True if it awaits what it calls, and with it each middleware of its chain.
    [[nodiscard]] virtual bool is_coroutine() const noexcept { return false; }
    /// Called on the loop when a run that was started is asked to stop: for handlers that hold runs without
    /// working on them.
    virtual void asked_to_stop(run&) noexcept {}
};

class run_owner {
public:
    /// On the run's loop, some time after its end(): nobody else is at it any more.
    virtual void came_back(run& over) noexcept = 0;

protected:
    ~run_owner() = default;
};

} // namespace corvid
