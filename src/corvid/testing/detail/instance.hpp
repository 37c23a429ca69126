// SPDX-License-Identifier: Apache-2.0
//
// instance: one process of a service under test: a process of the simulation, a service in it, and what
// stands between the service and its broker and handlers, so that it can die at any moment.
//
// Who dies runs nothing any more: its loops are frozen, its members fall silent as those of a killed process
// do, and no destructor of it runs, as none would. Its memory is kept, reachable, until the test program
// ends: handlers of it may hold references to what the test has destroyed by then. Internal.
#pragma once

#include <corvid/memory/cluster.hpp>
#include <corvid/service/service.hpp>
#include <corvid/testing/detail/journal.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace corvid::testing::detail {

/// What all instances of a world share.
struct surroundings {
    simulation& time;
    memory::cluster& broker;
    journal& log;
    std::int32_t partitions; ///< of topics that are made when somebody asks for them; 0: none is
    std::uint64_t deaths = 0;
    void ensure_topic(const topic_name& name);
};

/// How instances of one service are made.
struct blueprint {
    std::function<void(corvid::service&)> build;
    corvid::settings settings;
};

/// Something of the broker's that an instance holds; it is taken away when the instance dies.
class broker_end {
public:
    virtual void cut() noexcept = 0;

protected:
    ~broker_end() = default;
};

class instance {
public:
    instance(surroundings& in, std::shared_ptr<const blueprint> of, std::string name);
    ~instance();
    instance(const instance&) = delete;
    instance& operator=(const instance&) = delete;

    /// Not in a node, each of these. Throws config_error.
    void start();
    exit_code stop();
    /// Ends it for good: stops it where nobody is at work, kills it else. Never throws.
    static void bury(std::unique_ptr<instance> one) noexcept;

    /// Anywhere.
    void die(const std::string& where, std::optional<duration> restart_after) noexcept;
    [[nodiscard]] bool is_dead() const noexcept { return dead_; }
    [[nodiscard]] bool is_running() const noexcept { return started_ && !dead_ && !ended_; }
    /// No handler is begun and nothing is taken any more.
    void muzzle() noexcept { muzzled_ = true; }
    [[nodiscard]] bool is_muzzled() const noexcept { return muzzled_ || dead_; }
    /// The instance comes by this moment; false: and goes no further.
    [[nodiscard]] bool passes(moment now, const std::string& group_or_topic);

    [[nodiscard]] corvid::service& service() noexcept { return *service_; }
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] surroundings& around() noexcept { return in_; }
    [[nodiscard]] const std::shared_ptr<const blueprint>& made_by() const noexcept { return of_; }
    /// After a death: when it starts anew; none: never.
    [[nodiscard]] std::optional<duration> restart_after() const noexcept { return restart_after_; }
    /// The world has taken note of its death.
    void mourn() noexcept { mourned_ = true; }
    [[nodiscard]] bool was_mourned() const noexcept { return mourned_; }
    [[nodiscard]] std::optional<exit_code> ended() const noexcept { return ended_; }

    // Of the parts that stand between.
    std::vector<broker_end*> ends;
    std::map<std::pair<std::string, topic_partition>, std::uint64_t> given; ///< group and partition: tenancy
    std::size_t at_work = 0;
    /// Some handler takes batches, which no probe stands in front of: whether it is at work is not known.
    bool has_batches = false;

private:
    struct reaper : work {
        explicit reaper(instance& i) noexcept
            : work([](work& w) noexcept { static_cast<reaper&>(w).of.reap(); }), of(i) {}
        instance& of;
    };
    void reap() noexcept;
    [[nodiscard]] bool is_idle() const;

    surroundings& in_;
    std::shared_ptr<const blueprint> of_;
    std::string name_;
    reaper reaper_{*this};
    bool started_ = false, dead_ = false, muzzled_ = false, mourned_ = false;
    std::optional<exit_code> ended_;
    std::optional<duration> restart_after_;
    std::unique_ptr<loop_thread> process_;
    std::unique_ptr<broker::cluster> cluster_;
    std::unique_ptr<corvid::service> service_;
};

} // namespace corvid::testing::detail
