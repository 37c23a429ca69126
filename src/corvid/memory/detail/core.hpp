// SPDX-License-Identifier: Apache-2.0
//
// core: all that the sources, sinks and admins of one in-process cluster share: topics, groups, faults, and
// the loop on which time passes for them.
//
// Locks, outermost first: core::mutex (topics, groups, who is there) · a sink's · a partition's · an inbox's.
// A send takes the last two alone, a take only a partition's.
#pragma once

#include <corvid/memory/detail/group.hpp>
#include <corvid/memory/detail/outbox.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace corvid::memory {

/// An error for the next offset requests.
struct commit_failures {
    std::uint64_t left = 0;
    std::optional<error> why;
};

class core final : public surroundings {
public:
    core(scheduler& clock, duration initial_delay);
    virtual ~core();
    core(const core&) = delete;
    core& operator=(const core&) = delete;

    [[nodiscard]] scheduler& clock() noexcept { return clock_; }
    [[nodiscard]] send_script& sends() noexcept { return sends_; }

    // With the lock held, each of these.
    [[nodiscard]] std::unique_lock<std::mutex> lock() { return std::unique_lock(mutex_); }
    [[nodiscard]] std::shared_ptr<topic> find(const topic_name& name) const;
    [[nodiscard]] const std::map<topic_name, std::shared_ptr<topic>>& topics() const noexcept {
        return topics_;
    }
    void add_topic(std::shared_ptr<topic> made);
    void remove_topic(const topic_name& name);
    [[nodiscard]] group& group_of(const std::string& name);
    [[nodiscard]] std::map<std::string, std::unique_ptr<group>>& groups() noexcept { return groups_; }
    void keep(std::shared_ptr<inbox> box);
    void keep(std::shared_ptr<outbox> box);
    [[nodiscard]] const std::vector<std::shared_ptr<outbox>>& outboxes() const noexcept { return outboxes_; }
    [[nodiscard]] const std::vector<std::shared_ptr<inbox>>& inboxes() const noexcept { return inboxes_; }
    [[nodiscard]] commit_failures& failing_commits() noexcept { return failing_commits_; }
    /// topic_exists, unknown_topic, broker_unreachable: what an admin answers.
    [[nodiscard]] result<void> usable(const char* operation) const;

    /// Looks at the timers again, soon and elsewhere. Any thread, with the lock or without.
    void look_again() noexcept;

    [[nodiscard]] steady_time now() const override { return clock_.steady_now(); }
    [[nodiscard]] bool reachable() const override { return !sends_.down(); }
    [[nodiscard]] std::map<topic_name, std::int32_t> partition_counts() const override;

private:
    struct visitor final : waker {
        visitor(core& to, scheduler& loop) noexcept : waker(loop), of(to) {}
        void visit() noexcept override { of.run_timers(); }
        core& of;
    };
    struct alarm : timer {
        explicit alarm(core& to) noexcept : timer(&alarm::go), of(to) {}
        static void go(work& self) noexcept { static_cast<alarm&>(self).of.run_timers(); }
        core& of;
    };

    void run_timers() noexcept;

    scheduler& clock_;
    const duration initial_delay_;
    send_script sends_;
    std::mutex mutex_;
    std::map<topic_name, std::shared_ptr<topic>> topics_;
    std::map<std::string, std::unique_ptr<group>> groups_;
    std::vector<std::shared_ptr<inbox>> inboxes_;
    std::vector<std::shared_ptr<outbox>> outboxes_;
    commit_failures failing_commits_;
    alarm alarm_{*this};
    std::unique_ptr<loop_thread> thread_;
    std::unique_ptr<visitor> visitor_;
};

[[nodiscard]] error unreachable_error(const char* operation);

} // namespace corvid::memory
