// SPDX-License-Identifier: Apache-2.0
//
// subscription: what a group reads and who handles it; and the settings of the group's one client.
#pragma once

#include <corvid/broker/record_source.hpp>
#include <corvid/consume/failure.hpp>
#include <corvid/consume/run.hpp>
#include <corvid/model/topic_name.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace corvid {

/// Who moves the offset: corvid behind every record that is done, or the reader's commit_up_to().
enum class commit_mode : std::uint8_t { when_done, by_hand };

struct subscription {
    std::string name = {}; ///< of the handler, for logs and metrics
    std::vector<topic_name> topics = {};
    std::string pattern = {}; ///< a regular expression over topic names, beside the topics; empty: none
    failure_settings failure = {};
    commit_mode commit = commit_mode::when_done;
    std::unique_ptr<handler> handle = {};
};

struct group_settings {
    broker::source_settings source = {}; ///< group and client; topics are those of the subscriptions
    std::chrono::milliseconds commit_every{1'000};
    std::chrono::milliseconds rebalance_drain{
        20'000};                                   ///< for handlers at work, before a partition is given back
    std::chrono::milliseconds reopen_first{1'000}; ///< back-off of a client that broke for good, doubling …
    std::chrono::milliseconds reopen_most{30'000}; ///< … up to this
    std::uint64_t seed = 1;                        ///< of jitter
};

/// errc::group_conflict, with both names, if two subscriptions of one group read the same topic.
[[nodiscard]] result<void> check_disjoint(const std::string& group,
                                          const std::vector<subscription>& subscriptions);

/// errc::invalid_setting or conflicting_settings, naming what is wrong.
[[nodiscard]] result<void> validate(const group_settings& settings);

} // namespace corvid
