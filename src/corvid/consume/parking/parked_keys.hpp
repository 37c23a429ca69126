// SPDX-License-Identifier: Apache-2.0
//
// parked_keys: what is parked of a topic by a group whose subscription says when_rejected::park_key, seen and
// settled from any process: a service of the group, another one, a tool.
//
//   corvid::parked_keys parked = service.parked("billing");
//   for (const corvid::parked_key& each : *parked.list())
//       std::cout << each.key << " died at " << to_string(each.where) << ' ' << each.died_at.value << '\n';
//   parked.release("C-17");
//
// release() and discard() write a command into `{topic}.{group}.parked-keys`. Whoever owns the partition
// carries it out, now or when it next has one: that it is done shows in list(), from which the key is gone.
#pragma once

#include <corvid/broker/cluster.hpp>
#include <corvid/consume/parking/entry.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace corvid {

class publisher;

struct parked_key {
    topic_partition where; ///< in the source
    std::string key;
    offset died_at;                               ///< of the record that it died with: a dead letter
    std::optional<parked_command> asked_for = {}; ///< and not done yet
};

/// Its functions block for `patience` at most, on a thread that is no loop. Errors: timed_out, unknown_topic
/// (the topics that park_key needs are not there: create_topics()), and those of broker::admin and of sends.
/// What it is made of outlives it. Copies are independent; any thread.
class parked_keys {
public:
    using milliseconds = std::chrono::milliseconds;

    parked_keys(broker::cluster& cluster, scheduler& root, publisher& by, topic_name topic, std::string group)
        : cluster_(&cluster), root_(&root), by_(&by), topic_(std::move(topic)), group_(std::move(group)) {}

    /// Creates what of `{topic}.{group}.parked` (kept for ever) and `….parked-keys` (compacted) is not there,
    /// with as many partitions as the topic. The group needs both before it starts.
    [[nodiscard]] result<void> create_topics(std::int32_t replication = 1,
                                             milliseconds patience = std::chrono::seconds(10)) const;

    /// The dead keys of all partitions, by partition and key.
    [[nodiscard]] result<std::vector<parked_key>> list(
        milliseconds patience = std::chrono::seconds(10)) const;

    /// What is parked of the key goes through the handler, in order, before anything newer of it. Answers in
    /// how many partitions the key is dead, whose owners are asked; 0: nothing is, and nobody was asked.
    result<std::size_t> release(std::string_view key,
                                milliseconds patience = std::chrono::seconds(10)) const {
        return ask(key, parked_command::release, patience);
    }
    /// What is parked of the key when its owner takes it up is dropped, a line in the owner's log each; what
    /// comes later runs. The answer is as that of release().
    result<std::size_t> discard(std::string_view key,
                                milliseconds patience = std::chrono::seconds(10)) const {
        return ask(key, parked_command::discard, patience);
    }

private:
    result<std::size_t> ask(std::string_view key, parked_command what, milliseconds patience) const;

    broker::cluster* cluster_;
    scheduler* root_;
    publisher* by_;
    topic_name topic_;
    std::string group_;
};

} // namespace corvid
