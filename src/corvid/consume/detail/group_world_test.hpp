// SPDX-License-Identifier: Apache-2.0
//
// group_world: a topic of keyed events on the in-process broker, groups that read it on the simulated
// scheduler, and what they were seen to do. Tests only.
#pragma once

#include <corvid/base/simulation.hpp>
#include <corvid/consume/group_loop.hpp>
#include <corvid/consume/typed_handler.hpp>
#include <corvid/consume/worker_pool.hpp>
#include <corvid/memory/cluster.hpp>
#include <corvid/message/message.hpp>
#include <corvid/produce/message_producer.hpp>

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace sample {
struct keyed {
    std::string key;
    int n = 0; ///< counts up within its key
};
CORVID_MESSAGE(keyed, (key, n), .topic = "test.keyed.made", .key = &keyed::key);
} // namespace sample

namespace corvid::consume_test {

using namespace std::chrono_literals;
using sample::keyed;

inline const topic_name keyed_topic("test.keyed.made");
inline const topic_name keyed_dead("test.keyed.made.group.dlq");

/// Takes records as they are; keeps what it saw.
class raw_handler final : public handler {
public:
    struct seen {
        record what;
        std::string key, value;
        headers its_headers;
        partition_id partition;
    };
    explicit raw_handler(std::vector<seen>& into) : into_(into) {}
    void start(run& records) noexcept override {
        while (records.has_next()) {
            const record& r = records.current();
            into_.push_back({r, std::string(r.key.text()), std::string(r.value.text()),
                             headers(records.headers()), records.origin().where.partition});
            records.complete(done);
        }
        records.end();
    }
    [[nodiscard]] bool is_immediate() const noexcept override { return true; }

private:
    std::vector<seen>& into_;
};

class group_world {
public:
    explicit group_world(std::uint64_t seed, std::int32_t partition_count = 4)
        : sim(seed), partitions(partition_count) {
        make_topic(keyed_topic);
        make_topic(keyed_dead);
        out = std::make_unique<publisher>(cluster, sim, producer_settings{.seed = seed}, quiet);
    }

    void make_topic(const topic_name& name) {
        EXPECT_TRUE(cluster.open_admin()->create_topic({.name = name, .partitions = partitions}, 1s));
    }

    void flush() {
        auto wait = [](message_producer p) -> task<void> { EXPECT_TRUE((co_await p.flush()).has_value()); };
        wait_for(sim, sim, wait(message_producer(*out)));
    }
    /// The next event of a key.
    void publish(const std::string& key) {
        EXPECT_TRUE(message_producer(*out).post(keyed{key, published[key]++}));
        ++count;
    }
    /// `each` events of each of `keys` keys, the keys in turn.
    void publish(int keys, int each) {
        for (int i = 0; i < each; ++i)
            for (int k = 0; k < keys; ++k)
                publish("k" + std::to_string(k));
        flush();
    }

    template <class F>
    std::unique_ptr<group_loop> join(F function, subscription with = {}, group_settings settings = {},
                                     broker::cluster* on = nullptr) {
        with.handle = std::make_unique<typed_handler<keyed, F>>(std::move(function));
        return join_with(std::move(with), std::move(settings), on);
    }
    std::unique_ptr<group_loop> join_with(subscription with, group_settings settings = {},
                                          broker::cluster* on = nullptr) {
        with.name = "test";
        if (with.topics.empty()) with.topics = {keyed_topic};
        std::vector<subscription> all;
        all.push_back(std::move(with));
        if (settings.source.group.empty()) settings.source.group = "group";
        settings.producer = out.get();
        settings.workers = workers.get();
        auto loop =
            std::make_unique<group_loop>(on ? *on : cluster, sim, settings, std::move(all), quiet, &figures);
        loop->start();
        return loop;
    }
    loop_end end(group_loop& loop, std::chrono::milliseconds drain = 20s,
                 std::chrono::milliseconds grace = 5s) {
        loop.stop(drain, grace);
        EXPECT_TRUE(sim.wait(loop.ended(), sim.steady_now() + 5min));
        return loop.how_it_ended();
    }

    bool all_committed() {
        auto admin = cluster.open_admin();
        for (std::int32_t p = 0; p < partitions; ++p)
            if (committed(p) != admin->range_of({keyed_topic, partition_id(p)}, 1s)->end.value) return false;
        return true;
    }
    std::int64_t committed(std::int32_t p) {
        return cluster.script().committed("group", {keyed_topic, partition_id(p)}).value_or(offset(0)).value;
    }
    std::vector<raw_handler::seen> dead_letters() {
        std::vector<raw_handler::seen> all;
        subscription with{.topics = {keyed_dead}, .handle = std::make_unique<raw_handler>(all)};
        auto loop = join_with(std::move(with), {.source = {.group = "reader" + std::to_string(readers++)}});
        sim.run_for(5s);
        end(*loop);
        return all;
    }
    int lines_with(std::string_view text) const {
        return static_cast<int>(
            std::ranges::count_if(lines, [&](const auto& l) { return l.find(text) != std::string::npos; }));
    }

    simulation sim;
    std::int32_t partitions;
    memory::cluster cluster{sim};
    task_scope scope;
    std::vector<std::string> lines;
    logger quiet{{.burst = 0, .output = [this](std::string_view line) { lines.emplace_back(line); }}};
    metrics figures{"test"};
    std::unique_ptr<publisher> out;
    std::unique_ptr<worker_pool> workers; ///< of the groups that join from now on; none: their loops
    std::map<std::string, int> published;
    int count = 0;
    int readers = 0;
};

/// Who is at work on what, and in which order each key was done.
class witness {
public:
    void began(const std::string& key) {
        twice_at_once |= !running.insert(key).second;
        most = std::max(most, running.size());
    }
    void left(const std::string& key) { running.erase(key); }
    void finished(const keyed& e) { done[e.key].push_back(e.n); }

    /// Each key's events, all of them, each once, in order.
    void expect_each_once(const std::map<std::string, int>& published) const {
        EXPECT_FALSE(twice_at_once) << "a key ran beside itself";
        for (const auto& [key, n] : published) {
            const auto its = done.find(key);
            ASSERT_NE(its, done.end()) << key << " never ran";
            ASSERT_EQ(its->second.size(), static_cast<std::size_t>(n)) << key;
            for (int i = 0; i < n; ++i)
                ASSERT_EQ(its->second[static_cast<std::size_t>(i)], i) << key;
        }
    }

    std::map<std::string, std::vector<int>> done;
    std::set<std::string> running;
    std::size_t most = 0;
    bool twice_at_once = false;
};

} // namespace corvid::consume_test
