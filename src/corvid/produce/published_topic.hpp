// SPDX-License-Identifier: Apache-2.0
//
// published_topic: where records of one topic go.
#pragma once

#include <corvid/broker/record_sink.hpp>
#include <corvid/observe/metrics.hpp>
#include <corvid/produce/partitioning.hpp>

#include <atomic>
#include <cstdint>
#include <utility>

namespace corvid {

/// A topic as a publisher knows it: resolved once, kept for every record. Lives as long as its publisher.
class published_topic {
public:
    [[nodiscard]] const topic_name& name() const noexcept { return name_; }

private:
    friend class publisher;
    struct route {
        route(broker::record_sink* s, broker::sink_topic* t) noexcept : sink(s), topic(t) {}
        broker::record_sink* const sink;
        broker::sink_topic* const topic;
        mutable std::atomic<bool> is_over{false}; ///< its sink broke, and no other one knows the topic
    };
    published_topic(topic_name name, partition_strategy strategy, std::uint64_t seed)
        : name_(std::move(name)), partitions_(strategy, seed) {}

    topic_name name_;
    partitioner partitions_;
    std::atomic<const route*> route_{nullptr};
    struct exported {
        counter figure;
        std::uint64_t seen = 0;
    };
    exported acknowledged_, failed_, possibly_;
    histogram took_;
};

} // namespace corvid
