// SPDX-License-Identifier: Apache-2.0
#include <corvid/memory/detail/assignor.hpp>

#include <algorithm>

namespace corvid::memory {

namespace {

std::vector<std::size_t> readers_of(const topic_name& topic, std::span<const claimant> members) {
    std::vector<std::size_t> readers;
    for (std::size_t i = 0; i < members.size(); ++i)
        if (std::ranges::find(members[i].topics, topic) != members[i].topics.end()) readers.push_back(i);
    std::ranges::sort(readers, {}, [&](std::size_t i) -> const std::string& { return members[i].order; });
    return readers;
}

} // namespace

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
