// SPDX-License-Identifier: Apache-2.0
//
// What must hold of any history of a group, as functions of what a world saw. Each answers what is wrong, or
// nothing. Tests only.
#pragma once

#include <corvid/testing/sample_test.hpp>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace corvid::testing {

/// A start of an instance's stop: what it was asked for before waits as long as the stop.
struct stop_asked {
    std::string instance;
    duration at{};
};

struct group_history {
    std::vector<handled_record> handled; ///< in the order of their ends
    std::vector<commit_seen> commits;
    std::vector<tenancy_seen> tenancies;                          ///< by number
    std::set<std::pair<topic_partition, std::int64_t>> put_aside; ///< lie in the dead letter topic
    std::map<topic_partition, std::int64_t> ends;                 ///< of the logs
    std::vector<stop_asked> stops = {};
    duration until = {}; ///< what lies behind it was not waited for
};

/// Of a world with one group.
[[nodiscard]] group_history history_of(const world& w, std::string_view topic, std::string_view group);

/// A record that neither a handler finished nor the dead letters have.
[[nodiscard]] std::string lost_records(const group_history& of);
/// A record of a key that began before an earlier one of the same tenancy was over.
[[nodiscard]] std::string order_violations(const group_history& of);
/// A record that began when its member had given the partition back, or knew that it was lost.
[[nodiscard]] std::string begins_after_the_end(const group_history& of);
/// Two records of one key at work at once: never within an instance; in two instances only where one of them
/// has lost the partition, or has given it back when the drain of `drain` was over.
[[nodiscard]] std::string two_at_once(const group_history& of, duration drain);
/// A commit past what its own tenancy did, or behind what was committed.
[[nodiscard]] std::string wrong_commits(const group_history& of);
/// A commit for what was given back, or for what the member knew was lost.
[[nodiscard]] std::string commits_after_the_end(const group_history& of);
/// A member that took longer than `drain` to give back; than `drain` and `grace` from the begin of a stop.
[[nodiscard]] std::string late_releases(const group_history& of, duration drain, duration grace);

} // namespace corvid::testing
