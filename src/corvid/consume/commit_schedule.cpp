// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/commit_schedule.hpp>

#include <algorithm>

namespace corvid {

void commit_schedule::advance(const topic_partition& where, offset next) {
    auto& p = partitions_[where];
    p.next = std::max(p.next, next);
}

void commit_schedule::forget(const topic_partition& where) { partitions_.erase(where); }

std::vector<commit_schedule::entry> commit_schedule::begin() {
    std::vector<entry> due;
    if (in_flight_) return due;
    for (const auto& [where, p] : partitions_)
        if (p.next > p.committed) due.push_back({where, p.next});
    in_flight_ = !due.empty();
    return due;
}

void commit_schedule::finished(const std::vector<entry>& taken) {
    in_flight_ = false;
    for (const auto& [where, next] : taken)
        if (auto p = partitions_.find(where); p != partitions_.end())
            p->second.committed = std::max(p->second.committed, next);
}

bool commit_schedule::is_settled() const noexcept {
    return !in_flight_ && std::ranges::all_of(
                              partitions_, [](const auto& p) { return p.second.next <= p.second.committed; });
}

} // namespace corvid
