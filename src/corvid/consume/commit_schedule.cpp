// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/commit_schedule.hpp>

#include <algorithm>
#include <utility>

namespace corvid {

void commit_schedule::advance(const topic_partition& where, offset next, std::string note) {
    auto& p = partitions_[where];
    p.next = std::max(p.next, next);
    p.note = std::move(note);
}

void commit_schedule::forget(const topic_partition& where) { partitions_.erase(where); }

std::vector<commit_schedule::entry> commit_schedule::begin() {
    std::vector<entry> due;
    if (in_flight_) return due;
    for (const auto& [where, p] : partitions_)
        if (p.is_due()) due.push_back({where, p.next, p.note});
    in_flight_ = !due.empty();
    return due;
}

void commit_schedule::finished(const std::vector<entry>& taken) {
    in_flight_ = false;
    for (const auto& [where, next, note] : taken)
        if (auto p = partitions_.find(where); p != partitions_.end()) {
            p->second.committed = std::max(p->second.committed, next);
            p->second.noted = note;
        }
}

bool commit_schedule::is_settled() const noexcept {
    return !in_flight_ && std::ranges::none_of(partitions_, [](const auto& p) { return p.second.is_due(); });
}

} // namespace corvid
