// SPDX-License-Identifier: Apache-2.0
//
// Keys that die, what is parked behind them, and how they live again.
#include <corvid/consume/detail/group_world_test.hpp>
#include <corvid/consume/parking/entry.hpp>
#include <corvid/message/wire_names.hpp>

namespace corvid::consume_test {
namespace {

const topic_name keyed_parked("test.keyed.made.group.parked");
const topic_name keyed_keys("test.keyed.made.group.parked-keys");

TEST(parked_entry, reads_what_it_writes_and_nothing_else) {
    using entry = parked_entry;
    for (const entry& one : {entry{.partition = partition_id(3), .key = "a:b", .at = offset(17)},
                             entry{.partition = partition_id(0), .key = ""},
                             entry{.key = "k", .asks = true, .command = parked_command::discard},
                             entry{.key = "k", .asks = true}}) {
        const std::string key = one.record_key(), value = one.record_value();
        EXPECT_EQ(entry::read({.key = optional_bytes(key),
                               .value = value.empty() ? optional_bytes() : optional_bytes(value)}),
                  one)
            << key;
    }
    for (const auto& [key, value] : std::map<std::string, std::string>{{"dead:x:k", "corvid1;at=1"},
                                                                       {"dead:1", "corvid1;at=1"},
                                                                       {"dead:1:k", "corvid2;at=1"},
                                                                       {"dead:2:k", "corvid1;at=-1"},
                                                                       {"ask:1:k", "corvid1;explode"},
                                                                       {"other:1:k", "corvid1;at=1"}})
        EXPECT_FALSE(entry::read({.key = optional_bytes(key), .value = optional_bytes(value)})) << key;
}

/// Events of a few keys; those in `poison` are rejected.
class parking_world {
public:
    explicit parking_world(std::uint64_t seed, std::int32_t partitions = 1, bool has_topics = true)
        : draws(seed), w(seed, partitions) {
        if (has_topics) make_topics();
    }
    void make_topics() {
        w.make_topic(keyed_parked);
        w.make_topic(keyed_keys);
    }
    [[nodiscard]] unsigned random() { return static_cast<unsigned>(draws() >> 33U); }

    outcome handle(const std::string& member, const keyed& e) {
        if (dropped.contains(member)) return stop("the process is dead");
        if (poison.contains({e.key, e.n})) {
            rejected.insert({e.key, e.n});
            return dead_letter("poison");
        }
        ran[e.key].push_back(e.n);
        return done;
    }
    struct joined {
        std::string id;
        std::unique_ptr<group_loop> loop;
    };
    joined& join(bool plain = true, unsigned slowest_ms = 20) {
        const std::string id = "m" + std::to_string(made++);
        group_settings settings{.source = {.client_id = id, .session_timeout = 6s}, .seed = random()};
        subscription with{.failure = {.rejected = when_rejected::park_key}};
        auto loop =
            plain ? w.join([this, id](const keyed& e) { return handle(id, e); }, std::move(with), settings)
                  : w.join(
                        [this, id, slowest_ms](const keyed& e, context& ctx) -> task<outcome> {
                            co_await ctx.sleep(std::chrono::milliseconds(1 + random() % slowest_ms));
                            co_return handle(id, e);
                        },
                        std::move(with), settings);
        return members.emplace_back(id, std::move(loop));
    }
    void leave(std::size_t which = 0) {
        w.end(*members[which].loop);
        members.erase(members.begin() + static_cast<std::ptrdiff_t>(which));
    }
    void crash(std::size_t which = 0) {
        const auto group = w.cluster.script().describe("group");
        const std::string id = members[which].id;
        dropped.insert(id);
        if (std::ranges::any_of(group.members, [&](const auto& m) { return m.alive && m.client_id == id; }))
            w.cluster.script().drop_member("group", id);
        leave(which);
    }
    void ask(const std::string& key, parked_command what) {
        for (std::int32_t p = 0; p < w.partitions; ++p)
            ask_parked(*w.out, {keyed_topic, partition_id(p)}, "group", key, what,
                       [](const std::optional<error>& failure) { EXPECT_FALSE(failure); });
        w.flush();
    }
    std::vector<raw_handler::seen> all_of(const topic_name& topic) {
        std::vector<raw_handler::seen> all;
        subscription with{.topics = {topic}, .handle = std::make_unique<raw_handler>(all)};
        auto loop =
            w.join_with(std::move(with), {.source = {.group = "reader" + std::to_string(w.readers++)}});
        w.sim.run_for(5s);
        w.end(*loop);
        return all;
    }
    /// Keys that are dead, as the topic has them.
    std::set<std::string> dead_keys() {
        std::map<std::string, bool> dead;
        for (const auto& each : all_of(keyed_keys))
            if (each.key.starts_with("dead:"))
                dead[each.key.substr(each.key.find(':', 5) + 1)] = !each.value.empty();
        std::set<std::string> alive;
        for (const auto& [key, is_dead] : dead)
            if (is_dead) alive.insert(key);
        return alive;
    }
    /// What ran first of each record, in the order in which it did.
    std::vector<int> first_runs(const std::string& key) {
        std::vector<int> first;
        for (const int n : ran[key])
            if (std::ranges::find(first, n) == first.end()) first.push_back(n);
        return first;
    }

    prng draws;
    group_world w;
    std::set<std::pair<std::string, int>> poison, rejected;
    std::map<std::string, std::vector<int>> ran;
    std::set<std::string> dropped;
    std::vector<joined> members;
    int made = 0;
};

TEST(a_dead_key, parks_what_comes_behind_it_as_it_came_and_no_other_key) {
    parking_world p(1);
    p.poison = {{"k1", 2}};
    p.join();
    p.w.publish(3, 5);
    ASSERT_TRUE(p.w.sim.run_until([&] { return p.w.all_committed(); }, 1min));
    EXPECT_EQ(p.ran["k1"], (std::vector{0, 1}));
    EXPECT_EQ(p.ran["k0"].size(), 5u);
    EXPECT_EQ(p.w.dead_letters().size(), 1u);
    const auto parked = p.all_of(keyed_parked);
    ASSERT_EQ(parked.size(), 2u);
    EXPECT_EQ(parked[0].key, "k1");
    EXPECT_NE(parked[0].value.find('3'), std::string::npos) << parked[0].value;
    EXPECT_EQ(parked[0].its_headers.find(wire::dlq_topic), keyed_topic.str());
    EXPECT_EQ(parked[0].its_headers.find(wire::dlq_delivery_count), "0");
    EXPECT_EQ(parked[0].its_headers.find(wire::error_type), "key_is_dead");
    EXPECT_EQ(p.dead_keys(), std::set<std::string>{"k1"});
    p.leave();
}

TEST(a_dead_key, is_known_to_the_next_owner_before_its_first_record) {
    parking_world p(2);
    p.poison = {{"k0", 0}};
    p.join();
    p.w.publish(2, 2);
    ASSERT_TRUE(p.w.sim.run_until([&] { return p.w.all_committed(); }, 1min));
    p.leave();
    p.w.publish(2, 3);
    p.join(false);
    ASSERT_TRUE(p.w.sim.run_until([&] { return p.w.all_committed(); }, 1min));
    EXPECT_TRUE(p.ran["k0"].empty());
    EXPECT_EQ(p.ran["k1"].size(), 5u);
    EXPECT_EQ(p.all_of(keyed_parked).size(), 4u);
    p.leave();
}

TEST(a_partition, waits_for_the_topic_of_dead_keys_and_says_so) {
    parking_world p(9, 1, false);
    p.join();
    p.w.publish(2, 2);
    p.w.sim.run_for(1min);
    EXPECT_TRUE(p.ran.empty());
    EXPECT_GT(p.w.lines_with("a partition waits until its dead keys are known"), 0);
    p.make_topics();
    ASSERT_TRUE(p.w.sim.run_until([&] { return p.w.all_committed(); }, 1min));
    EXPECT_EQ(p.ran["k0"].size(), 2u);
    p.leave();
}

TEST(a_dead_key, lives_again_when_what_is_parked_has_run_in_order_before_anything_newer) {
    parking_world p(3);
    p.poison = {{"k0", 1}};
    p.join();
    p.w.publish(2, 6);
    ASSERT_TRUE(p.w.sim.run_until([&] { return p.w.all_committed(); }, 1min));
    p.ask("k0", parked_command::release);
    p.w.publish(2, 3);
    ASSERT_TRUE(p.w.sim.run_until([&] { return p.w.all_committed() && p.ran["k0"].size() == 8; }, 1min));
    p.w.sim.run_for(5s);
    EXPECT_EQ(p.ran["k0"], (std::vector{0, 2, 3, 4, 5, 6, 7, 8}));
    EXPECT_TRUE(p.dead_keys().empty());
    p.w.publish(1, 2);
    ASSERT_TRUE(p.w.sim.run_until([&] { return p.ran["k0"].size() == 10; }, 1min));
    p.leave();
}

TEST(a_dead_key, dies_again_where_a_released_record_fails_and_keeps_what_is_behind_it) {
    parking_world p(4);
    p.poison = {{"k0", 1}, {"k0", 3}};
    p.join(false);
    p.w.publish(1, 6);
    ASSERT_TRUE(p.w.sim.run_until([&] { return p.w.all_committed(); }, 1min));
    p.ask("k0", parked_command::release);
    p.w.sim.run_for(10s);
    EXPECT_EQ(p.ran["k0"], (std::vector{0, 2}));
    EXPECT_EQ(p.dead_keys(), std::set<std::string>{"k0"});
    EXPECT_EQ(p.w.dead_letters().size(), 2u);
    p.ask("k0", parked_command::release);
    p.w.sim.run_for(10s);
    EXPECT_EQ(p.ran["k0"], (std::vector{0, 2, 4, 5}));
    EXPECT_TRUE(p.dead_keys().empty());
    p.leave();
}

TEST(a_dead_key, lives_again_without_what_is_discarded) {
    parking_world p(5);
    p.poison = {{"k0", 0}};
    p.join();
    p.w.publish(1, 4);
    ASSERT_TRUE(p.w.sim.run_until([&] { return p.w.all_committed(); }, 1min));
    p.ask("k0", parked_command::discard);
    p.w.sim.run_for(5s);
    p.w.publish(1, 2);
    ASSERT_TRUE(p.w.sim.run_until([&] { return p.ran["k0"].size() == 2; }, 1min));
    EXPECT_EQ(p.ran["k0"], (std::vector{4, 5}));
    EXPECT_EQ(p.w.lines_with("a parked record is discarded"), 3);
    p.leave();
}

TEST(a_dead_key, of_an_earlier_life_gives_nothing_back_twice) {
    parking_world p(6);
    p.poison = {{"k0", 0}, {"k0", 4}};
    p.join();
    for (int life = 0; life < 2; ++life) {
        p.w.publish(1, 4);
        ASSERT_TRUE(p.w.sim.run_until([&] { return p.w.all_committed(); }, 1min));
        p.ask("k0", parked_command::release);
        p.w.sim.run_for(5s);
    }
    EXPECT_EQ(p.ran["k0"], (std::vector{1, 2, 3, 5, 6, 7}));
    p.leave();
}

TEST(a_command, for_a_key_that_lives_does_nothing_and_is_forgotten) {
    parking_world p(7);
    p.join();
    p.w.publish(1, 2);
    p.ask("k0", parked_command::release);
    p.w.sim.run_for(5s);
    p.poison = {{"k0", 2}};
    p.w.publish(1, 3);
    p.w.sim.run_for(5s);
    EXPECT_EQ(p.dead_keys(), std::set<std::string>{"k0"}) << "the old command releases nothing";
    p.leave();
}

TEST(a_full_window, gives_up_the_record_that_pins_it_where_that_is_the_choice) {
    for (const when_rejected rejected : {when_rejected::dead_letters, when_rejected::park_key}) {
        parking_world p(8);
        std::size_t over = 0;
        auto loop = p.w.join(
            [&](const keyed& e) -> outcome {
                if (e.key == "k0" && e.n == 0) return retry("not yet");
                ++over;
                return done;
            },
            {.failure = {.retry = {.first = 1h, .limit = 99, .cap = 2h}, .rejected = rejected},
             .window = {.max_uncommitted = 1'000, .when_full = when_window_full::park_oldest}});
        p.w.publish(100, 1'000);
        EXPECT_TRUE(p.w.sim.run_until([&] { return p.w.all_committed(); }, 10min));
        const bool parks = rejected == when_rejected::park_key;
        EXPECT_EQ(over, parks ? 99'000u : 99'999u);
        p.w.end(*loop);
        EXPECT_EQ(p.w.dead_letters().size(), 1u);
    }
}

/// Releases whatever is dead until nothing is, and looks at what ran.
void expect_all_in_order(parking_world& p) {
    for (int i = 0; i < 8 && !p.dead_keys().empty(); ++i) {
        for (const auto& dead : p.dead_keys())
            p.ask(dead, parked_command::release);
        p.w.sim.run_for(1min);
    }
    EXPECT_TRUE(p.dead_keys().empty());
    for (const auto& [name, count] : p.w.published) {
        const auto first = p.first_runs(name);
        EXPECT_TRUE(std::ranges::is_sorted(first)) << name << " ran out of order";
        for (int n = 0; n < count; ++n)
            EXPECT_TRUE(p.rejected.contains({name, n}) || std::ranges::find(first, n) != first.end())
                << name << ' ' << n << " is lost";
    }
    std::set<std::pair<std::string, std::string>> letters;
    for (const auto& letter : p.w.dead_letters())
        letters.insert({letter.key, letter.value});
    EXPECT_EQ(letters.size(), p.rejected.size());
}

void something_happens(parking_world& p, int keys, bool plain) {
    const auto key = [&] { return "k" + std::to_string(p.random() % static_cast<unsigned>(keys)); };
    switch (p.random() % 7) {
    case 0:
    case 1:
        return p.w.publish(keys, 1 + static_cast<int>(p.random() % 5));
    case 2:
        if (p.members.size() < 3) p.join(plain, 1 + p.random() % 500);
        return;
    case 3:
        if (p.members.size() > 1) p.random() % 2 ? p.crash(p.random() % p.members.size()) : p.leave();
        return;
    case 4:
        return p.ask(key(), parked_command::release);
    case 5:
        return p.w.cluster.script().rebalance("group");
    default:
        return p.w.sim.run_for(std::chrono::milliseconds(p.random() % 8'000));
    }
}

class parking_histories : public testing::TestWithParam<int> {};

TEST_P(parking_histories, lose_nothing_and_keep_the_order_of_each_key) {
    SCOPED_TRACE("seed " + std::to_string(GetParam()));
    parking_world p(static_cast<std::uint64_t>(GetParam()), 1 + GetParam() % 3);
    const int keys = 1 + static_cast<int>(p.random() % 5);
    const bool plain = p.random() % 2 == 0;
    for (unsigned i = p.random() % 6; i > 0; --i)
        p.poison.insert({"k" + std::to_string(p.random() % static_cast<unsigned>(keys)),
                         static_cast<int>(p.random() % 40)});
    p.join(plain, 1 + p.random() % 500);
    for (int step = 0; step < 30; ++step)
        something_happens(p, keys, plain);
    ASSERT_TRUE(p.w.sim.run_until([&] { return p.w.all_committed(); }, 1h)) << "it does not come to an end";
    expect_all_in_order(p);
    while (!p.members.empty())
        p.leave();
}

INSTANTIATE_TEST_SUITE_P(seeds, parking_histories, testing::Range(1, 1001));

} // namespace
} // namespace corvid::consume_test
