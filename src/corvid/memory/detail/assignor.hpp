// SPDX-License-Identifier: Apache-2.0
//
// Who gets which partition. The range assignor is Kafka's: topic by topic, the members that read it, sorted,
// get equal consecutive ranges, the first ones one partition more where it does not divide. Pure.
#pragma once

#include <corvid/model/position.hpp>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace corvid::memory {

struct claimant {
    std::string order;                     ///< members sort by it: the instance id, or the member's own
    std::vector<topic_name> topics;        ///< that exist and that it reads
    std::vector<topic_partition> has = {}; ///< sticky: what it has now
};

/// What each claimant gets, in their order.
[[nodiscard]] std::vector<std::vector<topic_partition>> assign_ranges(
    std::span<const claimant> members, const std::map<topic_name, std::int32_t>& partition_counts);

/// The sticky assignor: equal numbers as far as what members read allows, and of what each has as much as
/// fits stays where it is.
[[nodiscard]] std::vector<std::vector<topic_partition>> assign_sticky(
    std::span<const claimant> members, const std::map<topic_name, std::int32_t>& partition_counts);

} // namespace corvid::memory
