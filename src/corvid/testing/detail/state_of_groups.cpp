// SPDX-License-Identifier: Apache-2.0
#include <corvid/testing/detail/state_of_groups.hpp>

#include <algorithm>

namespace corvid::testing::detail {

namespace {

struct standing {
    topic_partition where;
    std::int64_t committed = 0;
    std::int64_t end = 0;
    [[nodiscard]] bool is_behind() const noexcept { return committed < end; }
};

/// Of a group, partition by partition.
std::vector<standing> standings(const std::string& name, const group_view& group, memory::cluster& broker) {
    std::set<topic_partition> all = group.given;
    for (const std::string& topic : group.topics)
        for (std::int32_t p = 0; p < broker.script().partitions_of(topic_name(topic)); ++p)
            all.insert({topic_name(topic), partition_id(p)});
    std::vector<standing> found;
    for (const topic_partition& where : all)
        if (broker.script().partitions_of(where.topic) > 0)
            found.push_back({where, broker.script().committed(name, where).value_or(offset(0)).value,
                             broker.script().end_of_records(where).value});
    return found;
}

std::string owner_of(const memory::group_info& group, const topic_partition& where) {
    for (const auto& each : group.members)
        if (std::ranges::find(each.owned, where) != each.owned.end())
            return each.client_id + (each.alive ? "" : " (dead; its session goes on)");
    return group.rebalancing ? "nobody (the group rebalances)" : "nobody";
}

std::string why(const record_state& state, duration now) {
    std::string text = state.at_work ? "at work in " : "waits in ";
    text += state.instance + ", attempt " + std::to_string(state.attempt) + ", since " +
            seconds_of(now - state.since);
    return state.why.empty() ? text : text + ", after: " + state.why;
}

std::string describe(const journal& log, const group_view& group, const standing& at) {
    std::string text;
    constexpr int most = 5;
    int told = 0;
    for (const auto& [place, state] : group.open) {
        if (place.first != at.where || ++told > most) continue;
        text += "      @" + std::to_string(place.second) + ' ' + why(state, log.now()) + '\n';
    }
    if (told > most) text += "      … and " + std::to_string(told - most) + " more\n";
    if (told == 0) text += "      no handler has what lies at the committed offset\n";
    return text;
}

} // namespace

bool is_consumed(const journal& log, memory::cluster& broker) {
    for (const auto& [name, group] : log.groups())
        if (std::ranges::any_of(standings(name, group, broker), &standing::is_behind)) return false;
    return true;
}

std::string state_of_groups(const journal& log, memory::cluster& broker) {
    std::string text;
    for (const auto& [name, group] : log.groups()) {
        text += "  group " + name + '\n';
        const auto info = broker.script().describe(name);
        for (const standing& at : standings(name, group, broker)) {
            text += "    " + to_string(at.where) + ": committed " + std::to_string(at.committed) + " of " +
                    std::to_string(at.end) + ", owned by " + owner_of(info, at.where) + '\n';
            if (at.is_behind()) text += describe(log, group, at);
        }
    }
    return text;
}

} // namespace corvid::testing::detail
