// SPDX-License-Identifier: Apache-2.0
#include <corvid/outbox/relay/relay_position.hpp>

#include <algorithm>
#include <utility>

namespace corvid::outbox_detail {

relay_position::relay_position(std::int64_t reached, const std::vector<number_range>& missing)
    : reached_(reached) {
    for (const number_range& each : missing)
        if (each.from < each.to) gaps_[each.from] = {each.to, std::nullopt, false};
    unbound_ = !gaps_.empty();
}

bool relay_position::saw(std::int64_t number) {
    if (number >= reached_) {
        if (number > reached_) {
            gaps_[reached_] = {number, std::nullopt, false};
            unbound_ = true;
        }
        reached_ = number + 1;
        flying_.insert(flying_.end(), number);
        return true;
    }
    auto at = gaps_.upper_bound(number);
    if (at == gaps_.begin()) return false;
    --at;
    const auto [from, whole] = *at;
    if (number >= whole.to) return false;
    gaps_.erase(at);
    if (from < number) gaps_[from] = {number, whole.bound, whole.asked};
    if (number + 1 < whole.to) gaps_[number + 1] = whole;
    flying_.insert(number);
    return true;
}

void relay_position::settle(std::uint64_t xmin, std::int64_t end) {
    for (auto at = gaps_.begin(); at != gaps_.end() && at->first < end;) {
        const gap whole = at->second;
        if (!whole.bound || *whole.bound > xmin) {
            ++at;
            continue;
        }
        at = gaps_.erase(at);
        if (whole.to > end) gaps_.insert(at, {end, whole});
    }
}

void relay_position::begin_save() {
    if (!unbound_) return;
    for (auto& [from, each] : gaps_)
        each.asked = true;
}

void relay_position::bound(std::uint64_t xid) {
    if (!std::exchange(unbound_, false)) return;
    for (auto& [from, each] : gaps_) {
        if (!each.bound && each.asked) each.bound = xid;
        unbound_ = unbound_ || !each.bound;
    }
}

std::vector<number_range> relay_position::gaps() const {
    std::vector<number_range> all;
    all.reserve(gaps_.size());
    for (const auto& [from, each] : gaps_) {
        if (!all.empty() && all.back().to == from)
            all.back().to = each.to;
        else
            all.push_back({from, each.to});
    }
    return all;
}

std::int64_t relay_position::frontier() const noexcept {
    std::int64_t first = reached_;
    if (!gaps_.empty()) first = std::min(first, gaps_.begin()->first);
    if (!flying_.empty()) first = std::min(first, *flying_.begin());
    return first;
}

std::vector<number_range> relay_position::missing() const {
    std::vector<number_range> all;
    const auto add = [&](std::int64_t from, std::int64_t to) {
        if (!all.empty() && all.back().to == from)
            all.back().to = to;
        else
            all.push_back({from, to});
    };
    auto flying = flying_.begin();
    for (const auto& [from, each] : gaps_) {
        for (; flying != flying_.end() && *flying < from; ++flying)
            add(*flying, *flying + 1);
        add(from, each.to);
    }
    for (; flying != flying_.end(); ++flying)
        add(*flying, *flying + 1);
    return all;
}

} // namespace corvid::outbox_detail
