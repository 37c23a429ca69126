// SPDX-License-Identifier: Apache-2.0
//
// partitioning: which partition a record goes to. One owner for every strategy, so that none is mixed with
// another behind one's back: the sink is only ever told `hash % partitions` or an explicit number.
//
//   by key       murmur2 of the key, as Java's default partitioner has it: co-partitioned with Java producers
//   sticky       keyless records stay on one partition for sticky_bytes, then move to a random other
//   (KIP-794) round robin  one after the other, whatever the key by field     murmur2 of the bytes that the
//   caller names (a region, a user), whatever the key explicit     a partition's number, refused if it does
//   not exist
#pragma once

#include <corvid/broker/record_sink.hpp>
#include <corvid/model/bytes.hpp>

#include <atomic>
#include <cstdint>

namespace corvid {

/// What a topic's records follow unless a call says otherwise. key_hash is sticky for records without a key.
enum class partition_strategy : std::uint8_t { key_hash, sticky, round_robin };

/// Java's murmur2 of Kafka (org.apache.kafka.common.utils.Utils.murmur2), all 32 bits.
[[nodiscard]] std::uint32_t murmur2(bytes_view key) noexcept;

/// The state of one topic's strategy. Any thread; one relaxed atomic addition at most.
class partitioner {
public:
    static constexpr std::uint64_t sticky_bytes = 16'384;

    partitioner(partition_strategy strategy, std::uint64_t seed) noexcept
        : seed_(seed), strategy_(strategy) {}

    [[nodiscard]] broker::partition_choice choose(optional_bytes key, std::size_t bytes) noexcept {
        switch (strategy_) {
        case partition_strategy::round_robin:
            return next();
        case partition_strategy::key_hash:
            if (key) return broker::partition_choice::by_hash(murmur2(key.bytes()));
            break;
        case partition_strategy::sticky:
            break;
        }
        return stay(bytes);
    }
    [[nodiscard]] static broker::partition_choice by_field(bytes_view field) noexcept {
        return broker::partition_choice::by_hash(murmur2(field));
    }

private:
    [[nodiscard]] broker::partition_choice next() noexcept {
        return broker::partition_choice::by_hash(
            static_cast<std::uint32_t>(count_.fetch_add(1, std::memory_order_relaxed)));
    }
    [[nodiscard]] broker::partition_choice stay(std::size_t bytes) noexcept;

    std::atomic<std::uint64_t> count_{0};
    std::uint64_t seed_;
    partition_strategy strategy_;
};

} // namespace corvid
