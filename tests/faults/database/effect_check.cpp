// SPDX-License-Identifier: Apache-2.0
#include "effect_check.hpp"

#include <map>
#include <unordered_set>

namespace corvid::faults {

effect_findings judge(const std::vector<written>& table, const std::vector<fate>& sent) {
    effect_findings found{.effects = table.size()};
    std::unordered_set<std::uint64_t> seen;
    std::map<std::uint32_t, std::int64_t> last_of_key;
    std::map<std::int32_t, std::int64_t> last_of_partition;
    for (const written& each : table) {
        if (!seen.insert(each.id).second) {
            ++found.twice;
            continue;
        }
        auto& before = last_of_key.try_emplace(each.key, -1).first->second;
        found.reorder += before > std::int64_t{each.seq};
        before = each.seq;
        auto& place = last_of_partition.try_emplace(each.partition, -1).first->second;
        found.out_of_place += place > each.offset;
        place = each.offset;
    }
    for (const fate& each : sent)
        found.missing += each.is == fate::state::acknowledged && !seen.contains(each.id);
    return found;
}

void compare_events(const std::vector<written>& table, const std::vector<written>& events,
                    effect_findings& found) {
    found.events = events.size();
    std::unordered_set<std::uint64_t> had;
    for (const written& each : table)
        had.insert(each.id);
    std::unordered_set<std::uint64_t> came;
    std::map<std::uint32_t, std::int64_t> last_of_key;
    for (const written& each : events) {
        if (!came.insert(each.id).second) {
            ++found.events_again;
            continue;
        }
        found.unfounded += !had.contains(each.id);
        auto& before = last_of_key.try_emplace(each.key, -1).first->second;
        found.event_reorder += before > std::int64_t{each.seq};
        before = each.seq;
    }
    for (const std::uint64_t id : had)
        found.unsent += !came.contains(id);
}

std::vector<std::pair<std::string, std::uint64_t>> effect_findings::figures(bool by_offset) const {
    std::vector<std::pair<std::string, std::uint64_t>> all{{"effects", effects},
                                                           {"effects_missing", missing},
                                                           {"effects_twice", twice},
                                                           {"effects_reorder", reorder}};
    if (by_offset) all.emplace_back("effects_out_of_place", out_of_place);
    if (events > 0)
        all.insert(all.end(), {{"events", events},
                               {"events_again", events_again},
                               {"events_unsent", unsent},
                               {"events_unfounded", unfounded},
                               {"events_reorder", event_reorder}});
    return all;
}

std::string effect_findings::text() const {
    std::string all;
    for (const auto& [name, value] : figures(true))
        all += (all.empty() ? "" : ", ") + name + " " + std::to_string(value);
    return all;
}

} // namespace corvid::faults
