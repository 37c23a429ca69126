// SPDX-License-Identifier: Apache-2.0
//
// assignment: a partition for as long as it is this member's. Every piece of work carries one, and one
// comparison on its arrival drops what a rebalance took away.
#pragma once

#include <compare>
#include <cstdint>

namespace corvid {

/// Which time a partition was given to this member: a counter of the loop, never used twice. 0 is none.
enum class epoch : std::uint32_t { none = 0 };

[[nodiscard]] constexpr epoch next(epoch e) noexcept {
    return static_cast<epoch>(static_cast<std::uint32_t>(e) + 1);
}

struct assignment {
    /// The loop's own number for the partition, from 0 and dense. It stays the partition's through all
    /// rebalances: that is what lets a key's lock outlive its epoch.
    std::uint32_t partition = 0;
    epoch since = epoch::none;
    auto operator<=>(const assignment&) const = default;
};

} // namespace corvid
