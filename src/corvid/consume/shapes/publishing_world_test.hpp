// SPDX-License-Identifier: Apache-2.0
//
// publishing_world: a group_world whose handlers publish an echo of what they get, and what stands in the
// topic of echoes in the end. Tests only.
#pragma once

#include <corvid/consume/detail/group_world_test.hpp>
#include <corvid/serde/json/json.hpp>

#include <ranges>

namespace sample {
struct echoed {
    std::string key;
    int n = 0;
};
CORVID_MESSAGE(echoed, (key, n), .topic = "test.keyed.echoed", .key = &echoed::key);
} // namespace sample

namespace corvid::consume_test {

using sample::echoed;
inline const topic_name echo_topic("test.keyed.echoed");

class publishing_world : public group_world {
public:
    explicit publishing_world(std::uint64_t seed, std::int32_t partition_count = 4)
        : group_world(seed, partition_count) {
        make_topic(echo_topic);
    }

    /// All that stands in the topic of echoes, in the order of each partition.
    std::vector<raw_handler::seen> echoes() {
        std::vector<raw_handler::seen> all;
        subscription with{.topics = {echo_topic}, .handle = std::make_unique<raw_handler>(all)};
        auto loop = join_with(std::move(with), {.source = {.group = "echo" + std::to_string(readers++)}});
        sim.run_for(5s);
        end(*loop);
        return all;
    }
    /// The echoes of each key: each once, in order; or, `again`, each, the last of each in order.
    void expect_echoes(bool again = false) {
        std::map<std::string, std::vector<int>> of;
        for (const auto& each : echoes())
            of[each.key].push_back(json::decode<echoed>(each.value)->n);
        for (const auto& [key, n] : published) {
            std::vector<int> last, all;
            std::set<int> seen;
            for (const int one : std::views::reverse(of[key]))
                if (seen.insert(one).second) last.insert(last.begin(), one);
            for (int i = 0; i < n; ++i)
                all.push_back(i);
            EXPECT_EQ(last, all) << key;
            if (!again) {
                EXPECT_EQ(of[key].size(), all.size()) << key;
            }
        }
    }
};

inline auto echo() {
    return [](const keyed& e, context& ctx) { ctx.publish(echoed{e.key, e.n}); };
}

} // namespace corvid::consume_test
