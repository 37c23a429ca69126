// SPDX-License-Identifier: Apache-2.0
//
// group: the coordinator of one consumer group. It owns who is a member, the generation, who owns which
// partition, and what is committed. Kafka's classic protocol, eager:
//
//   empty ──join──▶ preparing ──all have given back──▶ stable ──join, leave, loss, topics──▶ preparing ──▶ …
//
// or cooperative, where all keep what they have while they join, preparing ends at once, who has what another
// is to get is asked for that alone, and when it has given it back the group rebalances again.
//
// Preparing ends at the latest when the rebalance time-out (max_poll_interval) is over: who has not given
// back by then is evicted and its partitions are lost. A partition changes hands only through `owned`.
//
// Not safe for concurrent use: the cluster's lock guards it. What it tells members goes into their inboxes.
#pragma once

#include <corvid/broker/offset_committer.hpp>
#include <corvid/memory/detail/member.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace corvid::memory {

/// What a group sees of its cluster.
class surroundings {
public:
    [[nodiscard]] virtual steady_time now() const = 0;
    [[nodiscard]] virtual bool reachable() const = 0;
    [[nodiscard]] virtual std::map<topic_name, std::int32_t> partition_counts() const = 0;

protected:
    ~surroundings() = default;
};

enum class group_phase : std::uint8_t { empty, preparing, stable };

class group {
public:
    group(std::string name, const surroundings& around, duration initial_delay)
        : name_(std::move(name)), around_(around), initial_delay_(initial_delay) {}

    void join(const std::shared_ptr<member>& who);
    void close(const std::shared_ptr<member>& who);
    /// What was taken back from the member is free.
    void released(const std::shared_ptr<member>& who);
    /// The member is gone without a word; its session goes on until it ends.
    void silence(member& who);
    /// The member loses what it has, at once.
    void lose(const std::shared_ptr<member>& who);
    void rebalance();
    void topics_changed();

    /// Does what is due. Nothing is while the cluster cannot be reached.
    void run_timers();
    void reachable_again();
    [[nodiscard]] std::optional<steady_time> next_due() const;

    void commit(const member& who, std::vector<broker::committed_offset>& offsets);
    void read_committed(std::vector<broker::committed_offset>& offsets) const;
    [[nodiscard]] std::optional<offset> committed(const topic_partition& where) const;
    void forget(const topic_name& deleted);

    [[nodiscard]] group_phase phase() const noexcept { return phase_; }
    [[nodiscard]] std::int32_t generation() const noexcept { return generation_; }
    [[nodiscard]] const std::vector<std::shared_ptr<member>>& members() const noexcept { return members_; }

private:
    struct stored {
        offset next;
        std::string metadata;
    };

    void admit(const std::shared_ptr<member>& who);
    void take_over(const std::shared_ptr<member>& old, const std::shared_ptr<member>& who);
    void evict(const std::shared_ptr<member>& who);
    void leave(const std::shared_ptr<member>& who);
    void finish_leaving(const std::shared_ptr<member>& who);
    void remove(member& who);
    [[nodiscard]] bool ask_back(member& who);
    void ask_for(member& who, std::vector<topic_partition> which);
    [[nodiscard]] bool is_cooperative() const;
    void assign_what_is_free(std::vector<std::vector<topic_partition>> wanted_by);
    void complete_if_all_joined();
    void assign();
    void expire_sessions(steady_time now);
    void evict_the_late();
    [[nodiscard]] std::vector<topic_name> topics_of(const member& who) const;
    [[nodiscard]] std::map<topic_name, std::int32_t> wanted() const;
    [[nodiscard]] std::shared_ptr<member> by_instance(const std::string& instance_id) const;
    [[nodiscard]] std::optional<error> refusal(const member& who, const broker::committed_offset& one) const;

    std::string name_;
    const surroundings& around_;
    duration initial_delay_;
    std::vector<std::shared_ptr<member>> members_; // in the order of joining
    std::map<topic_partition, stored> offsets_;
    std::map<topic_name, std::int32_t> assigned_from_;
    std::uint64_t ids_ = 0;
    std::int32_t generation_ = 0;
    group_phase phase_ = group_phase::empty;
    steady_time not_before_{}; // preparing: waits for more members
    steady_time deadline_{};   // preparing: who is late is evicted
    bool stale_ = false;       // a rebalance is owed to what happened while unreachable
};

} // namespace corvid::memory
