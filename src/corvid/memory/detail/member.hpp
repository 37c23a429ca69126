// SPDX-License-Identifier: Apache-2.0
//
// member: one member of a group as the coordinator knows it. Its source shares it; everything is guarded by
// the cluster's lock.
#pragma once

#include <corvid/memory/detail/inbox.hpp>
#include <corvid/model/topic_pattern.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace corvid::memory {

/// The topics that a member wants to read.
struct interest {
    std::vector<topic_name> topics;
    topic_pattern pattern, except;
    [[nodiscard]] bool covers(const topic_name& name) const;
};

/// Throws config_error where the settings cannot work.
[[nodiscard]] interest interest_of(const broker::source_settings& settings);

struct member {
    std::string id;
    std::string client_id;
    std::string instance_id;
    interest reads;
    duration session{};
    duration rebalance_timeout{};
    std::shared_ptr<inbox> box;
    std::vector<topic_partition> owned;      ///< sorted; nobody else's until released or lost
    bool in_group = false;                   ///< false: evicted, fenced or gone
    bool joined = false;                     ///< while the group rebalances: holds nothing back any more
    std::vector<topic_partition> asked_back; ///< of `owned`; until it has released them
    std::vector<topic_partition>
        lost_behind;          ///< is told that it lost them once it has released what was asked
    bool cooperative = false; ///< gives back what another is to have, and keeps the rest
    bool revoking = false;    ///< was told to give back and has not released yet
    bool closing = false;
    bool leaving = false;               ///< closing, and asked for the last of what it has
    bool fenced = false;                ///< another took its instance id
    bool silent = false;                ///< crashed, or left while no broker was there to hear it
    bool away = false;                  ///< static and closed: its place is kept until the session ends
    std::optional<steady_time> expires; ///< the end of a session that nobody prolongs

    [[nodiscard]] const std::string& order() const noexcept { return instance_id.empty() ? id : instance_id; }
};

} // namespace corvid::memory
