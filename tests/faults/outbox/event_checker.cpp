// SPDX-License-Identifier: Apache-2.0
#include "event_checker.hpp"

#include <algorithm>
#include <map>

namespace corvid::faults {
namespace {

void note(event_findings& in, std::uint64_t& count, const std::string& what, const std::string& id) {
    ++count;
    if (in.examples.size() < 10) in.examples.push_back(what + " " + id);
}

struct place {
    std::size_t index; // in the order of commits
    const committed_event* event;
};

void follow(const event_history& of, const std::map<std::string, place>& committed, event_findings& found) {
    std::set<std::string> seen;
    std::map<std::string, std::size_t> last_of;
    for (const sent_event& each : of.sent) {
        const auto its = committed.find(each.id);
        if (its == committed.end()) {
            note(found, found.ghost, "ghost", each.id);
            continue;
        }
        if (!seen.insert(each.id).second) {
            ++found.duplicates;
            continue;
        }
        const auto [last, first] = last_of.try_emplace(each.key, its->second.index);
        if (!first && last->second > its->second.index) note(found, found.reorder, "reorder", each.id);
        last->second = std::max(last->second, its->second.index);
        if (of.late_keys.contains(each.key)) continue;
        const auto lag = static_cast<double>(each.at_ms * 1'000 - its->second.event->at_us) / 1e6;
        found.max_lag_s = std::max(found.max_lag_s, lag);
    }
    for (const auto& [id, its] : committed) {
        const bool bad = of.poison.contains(id), parked = of.parked.contains(id), came = seen.contains(id);
        if (!came && !parked) note(found, found.lost, "lost", id);
        if (parked != bad || (bad && came)) note(found, found.misparked, "misparked", id);
    }
}

} // namespace

std::string event_findings::text() const {
    std::string all = "missing " + std::to_string(missing) + ", lost " + std::to_string(lost) + ", ghost " +
                      std::to_string(ghost) + ", reorder " + std::to_string(reorder) + ", misparked " +
                      std::to_string(misparked) + ", duplicates " + std::to_string(duplicates);
    for (const std::string& each : examples)
        all += "\n  " + each;
    return all;
}

event_findings judge(const event_history& of) {
    event_findings found;
    std::map<std::string, place> committed;
    for (std::size_t i = 0; i < of.committed.size(); ++i)
        committed.emplace(of.committed[i].id, place{i, &of.committed[i]});
    for (const std::string& id : of.answered)
        if (!committed.contains(id)) note(found, found.missing, "missing", id);
    follow(of, committed, found);
    return found;
}

} // namespace corvid::faults
