// SPDX-License-Identifier: Apache-2.0
// Which shards a relay has: the part of relay_loop that takes them, gives them back and loses them.
#include <corvid/outbox/relay/relay_loop.hpp>

#include <algorithm>

namespace corvid::outbox_detail {

task<bool> relay_loop::share() {
    auto seen = co_await tables_.look(settings_.name, settings_.lease);
    share_at_ = db_.loop().steady_now() + settings_.lease / 3;
    if (!seen) {
        trouble("look at the shares", seen.error());
        co_return false;
    }
    for (shard_claim& each : seen->shards) {
        const bool is_mine = each.owner == settings_.name, held_here = shards_.contains(each.shard);
        if (!is_mine && held_here) lose(each.shard);
        if (is_mine && !held_here) each.owner.clear(); // the answer to take() was lost: once more
    }
    const share_plan plan = plan_share(seen->shards, seen->relays, settings_.name);
    for (auto& [shard, its] : shards_) {
        its.leaving = std::ranges::find(plan.give, shard) != plan.give.end();
        its.changed = true; // the lease goes on
    }
    co_await give_back();
    if (!plan.take.empty()) co_await take(plan.take);
    has_all_ = seen->relays.size() == 1 && shards_.size() == seen->shards.size();
    figures_.shards.set(static_cast<double>(shards_.size()));
    co_return true;
}

task<void> relay_loop::take(const std::vector<std::int32_t>& shards) {
    auto taken = co_await tables_.take(settings_.name, settings_.lease, shards);
    if (!taken) {
        trouble("take a shard", taken.error());
        co_return;
    }
    std::vector<std::int32_t> fresh;
    for (const taken_shard& each : *taken)
        fresh.push_back(each.shard);
    auto seen = co_await tables_.parked(fresh, 0);
    if (!seen) { // what is held there is not known: another time
        trouble("look at parked events", seen.error());
        for (const taken_shard& each : *taken)
            static_cast<void>(co_await tables_.give(each.shard, each.epoch));
        co_return;
    }
    hold(fresh, seen->lanes);
    for (const taken_shard& each : *taken)
        shards_.insert_or_assign(each.shard,
                                 held{.epoch = each.epoch, .position = {each.reached, each.missing}});
    parked_at_ = {};
    news();
}

// A shard leaves when nothing of it is on its way.
task<void> relay_loop::give_back() {
    std::vector<std::int32_t> ready;
    for (const auto& [shard, its] : shards_)
        if (its.leaving && its.position.in_flight() == 0) ready.push_back(shard);
    if (ready.empty()) co_return;
    const bool saved = co_await save();
    if (!saved) co_return;
    for (const std::int32_t shard : ready) {
        const auto at = shards_.find(shard);
        if (at == shards_.end()) continue;
        auto given = co_await tables_.give(shard, at->second.epoch);
        if (!given) trouble("give a shard back", given.error());
        lose(shard);
    }
}

void relay_loop::lose(std::int32_t shard) {
    has_all_ = false;
    lanes_.forget(shard);
    shards_.erase(shard);
    forget_parked(shard);
}

} // namespace corvid::outbox_detail
