// SPDX-License-Identifier: Apache-2.0
//
// simulation: the scheduler of tests. Any number of loops, one OS thread, virtual time, and an order that a
// seed decides: of all loops with something to run, a seeded draw takes the next (inside a loop the order of
// posting holds). Time stands still while anything can run, then jumps to the earliest timer. The same seed
// and the same calls give the same run, step for step.
//
// The simulation is itself the main loop; run_thread() makes the others. Every function of it and of its
// loops is for the one thread that made it: code under simulation starts no threads of its own and has no
// file descriptors. Loops may outlive the simulation; they do not run then.
#pragma once

#include <corvid/base/scheduler.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace corvid {

struct simulation_options {
    wall_time wall_start = std::chrono::sys_days{std::chrono::year{2024} / 1 / 1};
    /// More steps than this without time moving are a livelock: the running verb throws std::runtime_error.
    std::uint64_t steps_at_one_instant = 50'000'000;
    std::size_t cores = 2; ///< what cores() answers: a seed is to run alike on every machine
};

class simulation final : public scheduler {
public:
    explicit simulation(std::uint64_t seed, simulation_options settings = {});
    ~simulation() override;
    simulation(const simulation&) = delete;
    simulation& operator=(const simulation&) = delete;

    // The verbs that run it. They are for the code outside: called from a node they throw std::logic_error.

    /// Runs one node, moving time if nothing is ready. False when nothing is ready and no timer is pending.
    bool step();
    /// Runs all that is ready, and what that makes ready, at the present time. Answers how many nodes ran.
    std::uint64_t run_ready();
    /// Runs until nothing is ready and no timer is pending; false if `limit` of virtual time did not suffice.
    bool run_until_idle(duration limit = std::chrono::hours{1});
    /// Runs all that happens within `span` and leaves the time at its end.
    void run_for(duration span);
    /// Runs until `holds()`, asked before every step. False when `limit` has passed, or when nothing is
    /// ready and no timer is pending.
    bool run_until(const std::function<bool()>& holds, duration limit = std::chrono::hours{1});

    /// A main loop that stands for a process of its own: the loops made through it, and through those, belong
    /// to it.
    [[nodiscard]] std::unique_ptr<loop_thread> run_process(const std::string& name);
    /// The process of `loop` dies: of its loops nothing runs any more, once the node that is running has
    /// ended. What is queued there is neither run nor touched, and may be kept or freed. Allowed in nodes.
    void freeze(const scheduler& loop) noexcept;

    /// Lets the time pass that a node's work is to have taken. Allowed anywhere, nodes included. `span` >= 0.
    void advance(duration span) noexcept;

    [[nodiscard]] std::uint64_t seed() const noexcept;
    [[nodiscard]] std::uint64_t steps() const noexcept;
    /// A digest of the run so far: which loop ran at each step, and when. Equal runs have equal fingerprints.
    [[nodiscard]] std::uint64_t fingerprint() const noexcept;

    // The main loop.

    using scheduler::post;
    void post(work_list&& nodes) noexcept override;
    void at(steady_time when, timer& node) override;
    bool cancel(timer& node) noexcept override;
    /// Throws std::logic_error.
    void watch(watcher& node) override;
    void unwatch(watcher& node) noexcept override;
    /// Throws std::logic_error.
    void when_writable(watcher& node, work& once) override;
    [[nodiscard]] std::unique_ptr<loop_thread> run_thread(std::string name,
                                                          std::function<void(scheduler&)> start) override;
    [[nodiscard]] steady_time steady_now() const noexcept override;
    [[nodiscard]] wall_time wall_now() const noexcept override;
    [[nodiscard]] std::size_t cores() const noexcept override;
    /// Runs the simulation until `until_set` is set. False when the deadline has passed, or when there is
    /// none and nothing is ready and no timer is pending: a deadlock. From a node it throws std::logic_error,
    /// as it would block a real loop.
    bool wait(signal& until_set, std::optional<steady_time> deadline) override;
    /// Ends the main loop only.
    void stop() noexcept override;

private:
    struct core;
    class sim_loop;
    std::shared_ptr<core> core_;
    std::unique_ptr<sim_loop> main_;
};

} // namespace corvid
