// SPDX-License-Identifier: Apache-2.0
//
// producer_settings: how a producer sends. Safe by default: idempotent, acknowledged by all replicas,
// bounded.
#pragma once

#include <corvid/broker/record_sink.hpp>
#include <corvid/message/options.hpp>
#include <corvid/produce/credit.hpp>
#include <corvid/produce/partitioning.hpp>

#include <functional>

namespace corvid {

struct producer_settings {
    broker::sink_settings sink = {};
    credit_limits in_flight = {};
    partition_strategy partitioning = partition_strategy::key_hash;
    event_id_policy event_ids = event_id_policy::none; ///< for messages that declare none themselves
    /// Told of each fire-and-forget record that failed, with its bytes, on the delivery loop: the last chance
    /// to keep it. It is logged and counted in any case.
    std::function<void(const broker::failed_post&)> on_failed_post = {};
    std::uint64_t seed = 0; ///< of sticky partitions and event ids; 0: from the system
};

/// Largest rate: waits 50 ms for company, big batches. A record arrives later, the CPU per record is lowest.
[[nodiscard]] producer_settings throughput_preset();
/// Smallest delay: sends at once and gives up after 5 s.
[[nodiscard]] producer_settings latency_preset();
/// Outlasts a broker that is away for long: keeps trying for 15 minutes, acknowledged by all replicas.
[[nodiscard]] producer_settings durability_preset();

/// errc::conflicting_settings or invalid_setting, naming the fields that clash.
[[nodiscard]] result<void> validate(const producer_settings& settings);

} // namespace corvid
