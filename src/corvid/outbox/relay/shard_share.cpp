// SPDX-License-Identifier: Apache-2.0
#include <corvid/outbox/relay/shard_share.hpp>

#include <algorithm>

namespace corvid::outbox_detail {

share_plan plan_share(std::span<const shard_claim> shards, std::span<const std::string> relays,
                      std::string_view me) {
    const auto rank = static_cast<std::size_t>(std::ranges::find(relays, me) - relays.begin());
    const std::size_t count = std::max<std::size_t>(relays.size(), 1);
    const std::size_t target = shards.size() / count + (rank < shards.size() % count ? 1 : 0);
    share_plan plan;
    std::size_t mine = 0;
    for (const shard_claim& each : shards) {
        if (each.owner != me) continue;
        if (++mine > target) plan.give.push_back(each.shard);
    }
    for (const shard_claim& each : shards) {
        if (mine >= target) break;
        if (each.owner == me || (!each.owner.empty() && !each.expired)) continue;
        plan.take.push_back(each.shard);
        ++mine;
    }
    return plan;
}

} // namespace corvid::outbox_detail
