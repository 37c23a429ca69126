// SPDX-License-Identifier: Apache-2.0
// Rows that no broker takes, those that are held behind them, and those that are released: the part of
// relay_loop around outbox_parked.
#include <corvid/outbox/relay/relay_loop.hpp>

#include <algorithm>

namespace corvid::outbox_detail {

namespace {

constexpr std::chrono::milliseconds parked_pause{500};
constexpr std::int64_t released_at_once = 500;

} // namespace

// A row that is seen, and not yet dealt with.
void relay_loop::accept(std::unique_ptr<relay_row> row) {
    if (row->key && held_lanes_.contains({row->shard, row->lane}))
        park(*row, "held behind a parked event of its aggregate", true);
    else
        lanes_.add(std::move(row));
}

void relay_loop::park(const relay_row& row, std::string reason, bool behind) {
    held& its = shards_.at(row.shard);
    figures_.parked.add();
    parked_.parked.push_back({row.shard, its.epoch, row.number, std::move(reason), behind, row.lane});
    its.position.done(row.number);
    its.changed = true;
    if (holds() && row.key) held_lanes_.emplace(row.shard, row.lane);
}

// No broker takes it. What is released already and waits behind it stays parked.
void relay_loop::refuse(const relay_row& row, const error& why) {
    log_.error("an event is parked: no broker takes it", why, {{"event", row.id}});
    if (row.from_parked)
        parked_.refused.emplace_back(tables_.seq_of(row.shard, row.number), why.describe());
    else
        park(row, why.describe(), false);
    if (!holds() || !row.key) return;
    for (const std::unique_ptr<relay_row>& behind : lanes_.take_waiting(row.lane)) {
        if (behind->from_parked)
            parked_.left.push_back(tables_.seq_of(behind->shard, behind->number));
        else
            accept(std::make_unique<relay_row>(std::move(*behind)));
    }
}

task<bool> relay_loop::look_at_parked() {
    std::vector<std::int32_t> mine;
    for (const auto& [shard, its] : shards_)
        mine.push_back(shard);
    parked_at_ = db_.loop().steady_now() + parked_pause;
    if (mine.empty()) co_return true;
    auto seen = co_await tables_.parked(mine, released_at_once);
    if (!seen) {
        trouble("look at parked events", seen.error());
        co_return false;
    }
    hold(mine, seen->lanes);
    if (!parked_.refused.empty()) co_return true; // what is behind those is released no more
    for (std::unique_ptr<relay_row>& row : seen->released)
        if (shards_.contains(row->shard) && unparking_.insert(tables_.seq_of(row->shard, row->number)).second)
            lanes_.add(std::move(row));
    send_ready();
    co_return true;
}

// Of these shards all lanes with parked rows are known now, and those that are about to be parked.
void relay_loop::hold(const std::vector<std::int32_t>& shards, const std::vector<shard_lane>& parked) {
    if (!holds()) return;
    std::erase_if(held_lanes_, [&](const shard_lane& each) {
        return std::ranges::find(shards, each.first) != shards.end();
    });
    held_lanes_.insert(parked.begin(), parked.end());
    for (const parking& each : parked_.parked)
        held_lanes_.emplace(each.shard, each.lane);
}

void relay_loop::forget_parked(std::int32_t shard) {
    const auto is_its = [&](std::int64_t seq) { return tables_.shard_of(seq) == shard; };
    std::erase_if(parked_.parked, [shard](const parking& each) { return each.shard == shard; });
    std::erase_if(parked_.refused, [&](const auto& each) { return is_its(each.first); });
    std::erase_if(unparking_, is_its);
    std::erase_if(held_lanes_, [shard](const shard_lane& each) { return each.first == shard; });
}

void relay_loop::parked_is_saved(const parked_changes& saved) {
    for (const std::int64_t seq : saved.sent)
        unparking_.erase(seq);
    for (const std::int64_t seq : saved.left)
        unparking_.erase(seq);
    for (const auto& [seq, why] : saved.refused)
        unparking_.erase(seq);
}

} // namespace corvid::outbox_detail
