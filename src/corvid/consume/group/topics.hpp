// SPDX-License-Identifier: Apache-2.0
//
// group_topics: which subscription of a group reads which topic. The one answer, for the check of the
// settings, for what the group's client subscribes to, and for what it is given.
//
//   named by a subscription, or a retry topic of one that is    that subscription
//   {…}.{group}.dlq, .parked, .parked-keys, .retry.{…}, {…}.{…} no pattern: a group that read what it gave up
//                                                               itself would never come to an end
//   matched by one subscription's pattern                       that subscription
//   matched by two                                              an error: neither is to have half of it
#pragma once

#include <corvid/broker/record_source.hpp>
#include <corvid/consume/subscription.hpp>
#include <corvid/model/topic_pattern.hpp>

#include <map>
#include <string>
#include <vector>

namespace corvid {

class group_topics {
public:
    struct reading {
        std::size_t subscription = 0; ///< by its place
        topic_name home;              ///< the topic, or the one that it is a retry topic of
        std::size_t tier = 0;         ///< how many retry topics its records have been through
    };

    /// errc::group_conflict, with both names, if two subscriptions read one topic; errc::invalid_setting if a
    /// pattern is none.
    [[nodiscard]] static result<group_topics> of(const std::string& group,
                                                 const std::vector<subscription>& all);

    /// errc::group_conflict where the patterns of two subscriptions match, or nobody reads it.
    [[nodiscard]] result<reading> find(const topic_name& topic) const;
    /// Topics, pattern and what that excepts.
    void subscribe(broker::source_settings& with) const;

private:
    struct matched {
        std::size_t subscription;
        std::string text;
        topic_pattern as;
    };
    [[nodiscard]] result<void> add(const std::vector<subscription>& all, std::size_t which);
    [[nodiscard]] result<void> add(const topic_name& topic, reading its);
    [[nodiscard]] result<void> add_pattern(const std::vector<subscription>& all, std::size_t which);
    [[nodiscard]] std::unexpected<error> conflict(const std::string& topic, std::size_t a,
                                                  std::size_t b) const;

    std::string group_;
    std::vector<std::string> names_; // of the subscriptions
    std::map<topic_name, reading> named_;
    std::vector<matched> patterns_;
    std::string except_;
    topic_pattern own_; // topics that this group writes itself
};

} // namespace corvid
