// SPDX-License-Identifier: Apache-2.0
//
// memory::cluster: a Kafka cluster inside the process, for tests, demos and services that need no other. It
// answers as a real one does (tests/conformance runs one suite against both), on either scheduler, with these
// bounds:
//
// - Groups speak the classic protocol: eager with the range assignor, cooperative with cooperative-sticky; a
//   group's members have one of the two. A member that makes no progress is not evicted for it
//   (max_poll_interval is the rebalance time-out alone); one that is destroyed without a close, or dropped by
//   script, is when its session ends.
// - Topics are kept in memory as a whole, except under `retention.bytes`. `cleanup.policy` is checked and
// kept, nothing is
//   compacted; any replication factor is taken. Nothing is transactional, so both isolations read the same.
// - Of librdkafka's properties a sink heeds queue.buffering.max.messages and queue.buffering.max.kbytes, and
// ignores
//   the rest. Records do not linger: they are in the log when send() returns.
//
// Threads: as broker/cluster.hpp says. The cluster runs one loop of its own on the scheduler it was made
// with.
#pragma once

#include <corvid/broker/cluster.hpp>
#include <corvid/memory/faults.hpp>

#include <memory>

namespace corvid::memory {

struct cluster_settings {
    /// How long the first rebalance of an empty group waits for more members (Kafka:
    /// group.initial.rebalance.delay.ms).
    std::chrono::milliseconds initial_rebalance_delay{0};
};

class cluster final : public broker::cluster {
public:
    /// `clock` gives the time, the cluster's loop and the waiting in close(); it outlives the cluster.
    explicit cluster(scheduler& clock, cluster_settings settings = {});
    /// Sources, sinks and admins are gone by then.
    ~cluster() override;
    cluster(const cluster&) = delete;
    cluster& operator=(const cluster&) = delete;

    /// Throws config_error: no group, nothing to read, a wrong pattern, another assignor than range and
    /// cooperative-sticky.
    [[nodiscard]] broker::group_member join(const broker::source_settings& settings, scheduler& loop,
                                            broker::source_listener& listener) override;
    /// Throws config_error: a transactional id, a queue limit that is no number.
    [[nodiscard]] std::unique_ptr<broker::record_sink> open_sink(const broker::sink_settings& settings,
                                                                 scheduler& delivery,
                                                                 broker::sink_listener& listener) override;
    /// Its calls do not block.
    [[nodiscard]] std::unique_ptr<broker::admin> open_admin() override;
    [[nodiscard]] std::unique_ptr<broker::partition_reader> read(const topic_partition& where,
                                                                 const broker::reader_settings& settings,
                                                                 scheduler& loop,
                                                                 broker::source_listener& listener) override;

    [[nodiscard]] memory::faults& script() noexcept { return faults_; }

private:
    std::shared_ptr<core> core_;
    memory::faults faults_;
};

} // namespace corvid::memory
