// SPDX-License-Identifier: Apache-2.0
#include <corvid/memory/detail/assignor.hpp>

#include <algorithm>
#include <optional>
#include <set>

namespace corvid::memory {

namespace {

std::vector<std::size_t> readers_of(const topic_name& topic, std::span<const claimant> members) {
    std::vector<std::size_t> readers;
    for (std::size_t i = 0; i < members.size(); ++i)
        if (std::ranges::find(members[i].topics, topic) != members[i].topics.end()) readers.push_back(i);
    std::ranges::sort(readers, {}, [&](std::size_t i) -> const std::string& { return members[i].order; });
    return readers;
}

bool reads(const claimant& who, const topic_name& topic) {
    return std::ranges::find(who.topics, topic) != who.topics.end();
}

using shares = std::vector<std::vector<topic_partition>>;

/// The member with the fewest of those that read the topic; the first by order of several.
std::optional<std::size_t> poorest(std::span<const claimant> members, const shares& given,
                                   const topic_name& topic) {
    std::optional<std::size_t> found;
    for (std::size_t i = 0; i < members.size(); ++i)
        if (reads(members[i], topic) &&
            (!found || std::pair(given[i].size(), members[i].order) <
                           std::pair(given[*found].size(), members[*found].order)))
            found = i;
    return found;
}

/// Moves one partition from who has more to who has at least two fewer; false: there is none such.
bool level_once(std::span<const claimant> members, shares& given) {
    for (std::size_t from = 0; from < members.size(); ++from)
        for (auto each = given[from].rbegin(); each != given[from].rend(); ++each) {
            const auto to = poorest(members, given, each->topic);
            if (!to || given[*to].size() + 1 >= given[from].size()) continue;
            given[*to].push_back(*each);
            given[from].erase(std::next(each).base());
            return true;
        }
    return false;
}

} // namespace

std::vector<std::vector<topic_partition>> assign_sticky(
    std::span<const claimant> members, const std::map<topic_name, std::int32_t>& partition_counts) {
    shares given(members.size());
    std::set<topic_partition> left;
    for (const auto& [topic, count] : partition_counts)
        for (std::int32_t p = 0; p < count; ++p)
            left.insert({topic, partition_id(p)});
    for (std::size_t i = 0; i < members.size(); ++i)
        for (const topic_partition& each : members[i].has)
            if (reads(members[i], each.topic) && left.erase(each) != 0) given[i].push_back(each);
    for (const topic_partition& each : left)
        if (const auto to = poorest(members, given, each.topic)) given[*to].push_back(each);
    while (level_once(members, given)) {}
    for (auto& each : given)
        std::ranges::sort(each);
    return given;
}

std::vector<std::vector<topic_partition>> assign_ranges(
    std::span<const claimant> members, const std::map<topic_name, std::int32_t>& partition_counts) {
    std::vector<std::vector<topic_partition>> given(members.size());
    for (const auto& [topic, count] : partition_counts) {
        const std::vector<std::size_t> readers = readers_of(topic, members);
        if (readers.empty()) continue;
        const auto each = count / static_cast<std::int32_t>(readers.size());
        auto more = count % static_cast<std::int32_t>(readers.size());
        std::int32_t next = 0;
        for (const std::size_t reader : readers) {
            const std::int32_t end = next + each + (more-- > 0 ? 1 : 0);
            for (; next < end; ++next)
                given[reader].push_back({topic, partition_id(next)});
        }
    }
    return given;
}

} // namespace corvid::memory
