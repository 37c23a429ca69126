// SPDX-License-Identifier: Apache-2.0
//
// What travels with a record through librdkafka, in its one opaque word, so that no record needs memory of
// ours: a send_node's address, or, for fire and forget, the partition choice and the generation:
//
//   bit 0: 1 · bit 1: the choice is explicit · bit 2: generation · bits 3-33: the choice's value
#pragma once

#include <corvid/broker/record_sink.hpp>

#include <bit>
#include <cstdint>

namespace corvid::kafka {

static_assert(sizeof(void*) == 8, "an opaque word carries 34 bits");
static_assert(alignof(broker::send_node) > 1, "a node's address leaves bit 0 free");

[[nodiscard]] inline void* post_opaque(broker::partition_choice choice, bool generation) noexcept {
    const std::uint64_t word = 1U | (choice.is_explicit ? 2U : 0U) | (generation ? 4U : 0U) |
                               std::uint64_t{choice.value & 0x7fffffffU} << 3U;
    return std::bit_cast<void*>(word);
}

/// The node that travels, or null for fire and forget.
[[nodiscard]] inline broker::send_node* node_in(void* opaque) noexcept {
    return std::bit_cast<std::uint64_t>(opaque) & 1U ? nullptr : static_cast<broker::send_node*>(opaque);
}

[[nodiscard]] inline bool generation_in(void* opaque) noexcept {
    return (std::bit_cast<std::uint64_t>(opaque) & 4U) != 0;
}

[[nodiscard]] inline broker::partition_choice choice_in(void* opaque) noexcept {
    if (const broker::send_node* node = node_in(opaque)) return node->choice;
    const auto word = std::bit_cast<std::uint64_t>(opaque);
    return {.value = static_cast<std::uint32_t>(word >> 3U), .is_explicit = (word & 2U) != 0};
}

/// The partition of a record; one that does not exist is answered as it is, and librdkafka refuses the
/// record.
[[nodiscard]] inline std::int32_t partition_for(broker::partition_choice choice,
                                                std::int32_t partitions) noexcept {
    return static_cast<std::int32_t>(
        choice.is_explicit ? choice.value : choice.value % static_cast<std::uint32_t>(partitions));
}

} // namespace corvid::kafka
