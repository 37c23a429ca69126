// SPDX-License-Identifier: Apache-2.0
//
// feed: the events of a filled topic for those arms that are written by hand: librdkafka's batch queue.
#pragma once

#include <bench/inbox/arms.hpp>
#include <librdkafka/rdkafka.h>

#include <memory>
#include <string>
#include <vector>

namespace corvid::bench {

struct event {
    std::string id;
    std::uint64_t number;
};

class feed {
public:
    explicit feed(const inbox_options& chosen);
    /// Up to `most` more, appended; none when nothing came within a second. One thread.
    void take(std::size_t most, std::vector<event>& into);
    /// What was taken is done: commits it, and leaves the group.
    void close();

private:
    struct end {
        void operator()(rd_kafka_t* c) const noexcept { rd_kafka_destroy(c); }
        void operator()(rd_kafka_queue_t* q) const noexcept { rd_kafka_queue_destroy(q); }
    };
    std::unique_ptr<rd_kafka_t, end> client_;
    std::unique_ptr<rd_kafka_queue_t, end> queue_;
};

} // namespace corvid::bench
