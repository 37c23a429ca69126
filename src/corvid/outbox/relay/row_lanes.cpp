// SPDX-License-Identifier: Apache-2.0
#include <corvid/outbox/relay/row_lanes.hpp>

#include <algorithm>
#include <utility>

namespace corvid::outbox_detail {

namespace {

// Rows of no aggregate have lanes of their own, which no hash of one meets but by accident: then they wait
// for one another, no more.
constexpr std::uint64_t spread = 0x9e3779b97f4a7c15U;

} // namespace

void row_lanes::add(std::unique_ptr<relay_row> row) {
    if (row->lane == 0) row->lane = ++unordered_ * spread;
    const std::uint64_t key = row->lane;
    ++rows_;
    bytes_ += row->bytes();
    lane& of = lanes_[key];
    of.rows.push_back({.row = std::move(row)});
    make_ready(key, of);
}

bool row_lanes::may_send(const lane& of) const noexcept {
    return of.flying < of.rows.size() && of.flying < limits_.per_aggregate &&
           (!of.troubled || of.flying == 0);
}

void row_lanes::make_ready(std::uint64_t key, lane& of) {
    if (of.queued || !may_send(of)) return;
    of.queued = true;
    if (of.rests_until == steady_time{})
        ready_.push_back(key);
    else
        resting_.emplace(of.rests_until, key);
}

void row_lanes::unready(std::uint64_t key, lane& of) {
    if (!std::exchange(of.queued, false)) return;
    if (resting_.erase({of.rests_until, key}) == 0) std::erase(ready_, key);
}

std::optional<row_lanes::ready> row_lanes::next(steady_time now) {
    while (!resting_.empty() && resting_.begin()->first <= now) {
        const std::uint64_t rested = resting_.extract(resting_.begin()).value().second;
        lanes_.at(rested).rests_until = {};
        ready_.push_back(rested);
    }
    if (ready_.empty() || flying_.size() >= limits_.rows) return std::nullopt;
    const std::uint64_t key = ready_.front();
    ready_.pop_front();
    lane& of = lanes_.at(key);
    of.queued = false;
    of.troubled = false;
    entry& first = *std::ranges::find(of.rows, std::uint64_t{0}, &entry::token);
    first.token = ++next_token_;
    flying_.emplace(first.token, key);
    ++of.flying;
    make_ready(key, of);
    return ready{first.token, first.row.get()};
}

std::unique_ptr<relay_row> row_lanes::finished(std::uint64_t token) {
    const auto flight = flying_.find(token);
    if (flight == flying_.end()) return nullptr;
    const std::uint64_t key = flight->second;
    flying_.erase(flight);
    lane& of = lanes_.at(key);
    const auto at = std::ranges::find(of.rows, token, &entry::token);
    std::unique_ptr<relay_row> row = std::move(at->row);
    of.rows.erase(at);
    --of.flying;
    --rows_;
    bytes_ -= row->bytes();
    if (of.rows.empty())
        lanes_.erase(key);
    else
        make_ready(key, of);
    return row;
}

void row_lanes::failed(std::uint64_t token, steady_time now, double random01) {
    const auto flight = flying_.find(token);
    if (flight == flying_.end()) return;
    const std::uint64_t key = flight->second;
    flying_.erase(flight);
    lane& of = lanes_.at(key);
    entry& its = *std::ranges::find(of.rows, token, &entry::token);
    its.token = 0;
    --of.flying;
    of.troubled = true;
    unready(key, of);
    of.rests_until = std::max(of.rests_until, now + limits_.pause.delay(++its.row->failures, random01));
    make_ready(key, of);
}

const relay_row* row_lanes::find(std::uint64_t token) const {
    const auto flight = flying_.find(token);
    if (flight == flying_.end()) return nullptr;
    return std::ranges::find(lanes_.at(flight->second).rows, token, &entry::token)->row.get();
}

std::vector<std::unique_ptr<relay_row>> row_lanes::take_waiting(std::uint64_t lane_key) {
    std::vector<std::unique_ptr<relay_row>> taken;
    const auto found = lanes_.find(lane_key);
    if (found == lanes_.end()) return taken;
    lane& of = found->second;
    for (entry& one : of.rows)
        if (one.token == 0) {
            --rows_;
            bytes_ -= one.row->bytes();
            taken.push_back(std::move(one.row));
        }
    std::erase_if(of.rows, [](const entry& one) { return !one.row; });
    unready(lane_key, of);
    if (of.rows.empty()) lanes_.erase(found);
    return taken;
}

void row_lanes::forget(std::int32_t shard) {
    for (auto each = lanes_.begin(); each != lanes_.end();) {
        lane& of = each->second;
        const std::uint64_t key = each->first;
        std::erase_if(of.rows, [&](const entry& one) {
            if (one.row->shard != shard) return false;
            if (one.token != 0) of.flying -= flying_.erase(one.token);
            --rows_;
            bytes_ -= one.row->bytes();
            return true;
        });
        if (!may_send(of)) unready(key, of);
        each = of.rows.empty() ? lanes_.erase(each) : std::next(each);
    }
}

std::optional<steady_time> row_lanes::due() const {
    return resting_.empty() ? std::nullopt : std::optional(resting_.begin()->first);
}

std::optional<wall_time> row_lanes::oldest() const {
    std::optional<wall_time> first;
    for (const auto& [key, of] : lanes_) {
        const wall_time its = of.rows.front().row->created_at;
        first = std::min(first.value_or(its), its);
    }
    return first;
}

} // namespace corvid::outbox_detail
