// SPDX-License-Identifier: Apache-2.0
//
// faults: what may go wrong with an in-process cluster, by script, and a look at what it thinks. Every call
// may come from any thread and takes effect at once; what was sent or taken before it is not affected.
#pragma once

#include <corvid/broker/record_sink.hpp>
#include <corvid/model/position.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace corvid::memory {

class core;

struct member_info {
    std::string id; ///< `<client id>-00000001`, counted in the group
    std::string client_id;
    std::string instance_id;
    bool alive = true; ///< false: dropped, or static and closed; its session has not ended yet
    std::vector<topic_partition> owned;
};

struct group_info {
    std::int32_t generation = 0;
    bool rebalancing = false;
    std::vector<member_info> members; ///< in the order of joining
};

/// A record of a log, by value; null keys and values are none.
struct stored_record {
    corvid::offset offset;
    wall_time timestamp;
    std::optional<std::string> key, value;
    std::vector<std::pair<std::string, std::string>> headers;
};

/// Members are named by id, client id or instance id; of several that match, the first that joined is meant.
/// A group, member or partition that does not exist is a precondition broken: std::invalid_argument.
class faults {
public:
    explicit faults(core& of) noexcept : core_(of) {}

    /// Nobody answers. Sends are queued until message_timeout and then fail (not_persisted), takes bring
    /// nothing, commits and admin calls fail (broker_unreachable), groups stand still; sources and sinks are
    /// told.
    void broker_down();
    /// All goes on where it stood; sessions start anew.
    void broker_up();

    /// The next `count` records fail with `why`. With persistence possibly or yes they are in the log all the
    /// same.
    void fail_sends(std::uint64_t count, error why, broker::persistence persisted = broker::persistence::no);
    /// Every record reaches its log, and its report the sender, `by` later; 0: at once.
    void delay_sends(duration by);
    /// The next `count` commits fail as a whole; nothing of them is stored.
    void fail_commits(std::uint64_t count, error why);
    /// Every sink that is open now is broken with `why`; what waits in its queue is passed on
    /// (broker::sink_listener), or fails with it.
    void break_sinks(const error& why);

    /// Members get nothing from the partition, while its log goes on growing.
    void stop_fetch(const topic_partition& from);
    void resume_fetch(const topic_partition& from);
    /// Leaves out the next offsets of a partition, as compaction and transaction markers do.
    void skip_offsets(const topic_partition& of, std::int64_t count);
    /// Moves the begin of the log, as retention does.
    void delete_records(const topic_partition& of, offset before);

    void rebalance(const std::string& group);
    /// The member crashes: it says and hears nothing any more, and its session runs out.
    void drop_member(const std::string& group, const std::string& member);
    /// The group evicts the member as one that was late: all it has is lost, then it joins anew.
    void lose_assignment(const std::string& group, const std::string& member);

    /// A group that nobody ever joined is empty, of generation 0.
    [[nodiscard]] group_info describe(const std::string& group) const;
    [[nodiscard]] std::optional<offset> committed(const std::string& group, const topic_partition& of) const;
    /// What the partition's log keeps, oldest first, copied.
    [[nodiscard]] std::vector<stored_record> records_of(const topic_partition& of) const;
    /// Behind the last record that is there, whatever offsets are left out behind it; 0: there is none.
    [[nodiscard]] offset end_of_records(const topic_partition& of) const;
    /// 0: there is no such topic. Answers also while the broker is down.
    [[nodiscard]] std::int32_t partitions_of(const topic_name& topic) const;
    /// The names of all groups that were ever joined.
    [[nodiscard]] std::vector<std::string> groups() const;
    /// What was committed with it; empty: nothing.
    [[nodiscard]] std::string committed_metadata(const std::string& group, const topic_partition& of) const;
    /// What the topic was created with; none: it does not exist.
    [[nodiscard]] std::optional<std::map<std::string, std::string>> config_of(const topic_name& topic) const;

private:
    core& core_;
};

} // namespace corvid::memory
