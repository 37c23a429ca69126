// SPDX-License-Identifier: Apache-2.0
//
// What becomes of records when a publisher's client breaks: on the in-process broker and the simulated
// scheduler.
#include <corvid/base/simulation.hpp>
#include <corvid/base/sleep.hpp>
#include <corvid/base/task_scope.hpp>
#include <corvid/memory/cluster.hpp>
#include <corvid/produce/publisher.hpp>

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace corvid {
namespace {

using namespace std::chrono_literals;

class publisher_succession_test : public testing::Test {
public:
    publisher_succession_test() {
        EXPECT_TRUE(cluster.open_admin()->create_topic({.name = name, .partitions = 3}, 1s));
    }
    std::unique_ptr<publisher> make(producer_settings settings = {}) {
        settings.seed = 7;
        logger quiet({.output = [](std::string_view) {}});
        auto made = std::make_unique<publisher>(cluster, sim, std::move(settings), quiet);
        to = *made->topic(name);
        return made;
    }
    void send(publisher& by, const std::string& key) {
        const int number = sent[key]++;
        by.send(*to, std::string_view(key), std::to_string(number), {},
                [this, key, number](result<delivery> answer) {
                    ++answers;
                    if (!answer) return static_cast<void>(++failed);
                    auto& at = offsets[key];
                    EXPECT_TRUE(at.empty() ||
                                (at.back().first < number && at.back().second < answer->offset.value))
                        << key << ": " << number << " is in the log before " << at.back().first;
                    at.emplace_back(number, answer->offset.value);
                });
        ++sends;
    }
    std::int64_t in_the_log() {
        std::int64_t records = 0;
        for (int partition = 0; partition < 3; ++partition)
            records += cluster.open_admin()->range_of({name, partition_id(partition)}, 1s)->end.value;
        return records;
    }
    void break_down() { cluster.script().break_sinks(error(errc::client_fatal, {.message = "scripted"})); }

    const topic_name name{"air.flight.seen"};
    simulation sim{11};
    memory::cluster cluster{sim};
    published_topic* to = nullptr;
    std::map<std::string, int> sent;
    std::map<std::string, std::vector<std::pair<int, std::int64_t>>> offsets;
    int sends = 0, answers = 0, failed = 0;
};

TEST_F(publisher_succession_test,
       what_was_queued_and_what_is_sent_meanwhile_goes_to_the_next_client_in_its_order) {
    auto p = make();
    cluster.script().delay_sends(1s);
    for (int i = 0; i < 10; ++i)
        send(*p, "N");
    break_down();
    cluster.script().delay_sends(0ms);
    for (int i = 0; i < 10; ++i)
        send(*p, "N"); // nobody knows yet: the broken client refuses them
    EXPECT_EQ(answers, 0);
    sim.run_until([&] { return answers == sends; }, 1min);
    EXPECT_EQ(failed, 0);
    EXPECT_EQ(p->rebuilds(), 1U);
    EXPECT_EQ(p->in_flight().records(), 0U);
    EXPECT_EQ(p->in_flight().bytes(), 0U);
}

TEST_F(publisher_succession_test,
       whenever_clients_break_every_record_arrives_once_and_keys_keep_their_order) {
    std::mt19937_64 random(std::random_device{}());
    for (int round = 0; round < 200; ++round) {
        const auto seed = random();
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937_64 draw(seed);
        sent.clear();
        offsets.clear();
        sends = answers = failed = 0;
        const std::int64_t before = in_the_log();
        auto p = make({.in_flight = {.records = static_cast<std::uint32_t>(300 + draw() % 500)}});
        std::uint64_t breaks = 0;
        task_scope scope;
        scope.spawn(sim,
                    [](publisher_succession_test& test, publisher& by, std::mt19937_64& dice,
                       std::uint64_t& broken) -> task<void> {
                        for (int i = 0; i < 300; ++i) {
                            test.send(by, "key " + std::to_string(dice() % 5));
                            const auto what = dice() % 20;
                            if (what == 0)
                                test.cluster.script().delay_sends(std::chrono::milliseconds(dice() % 20));
                            if (what == 1 && ++broken < 10) test.break_down();
                            if (what < 5) co_await corvid::sleep(std::chrono::milliseconds(dice() % 4));
                        }
                    }(*this, *p, draw, breaks));
        scope.wait(sim);
        EXPECT_TRUE(p->close(1min));
        EXPECT_EQ(answers, sends);
        EXPECT_EQ(failed, 0);
        EXPECT_EQ(in_the_log() - before, sends) << "each once";
        for (const auto& [key, at] : offsets)
            EXPECT_EQ(at.size(), static_cast<std::size_t>(sent[key]));
        EXPECT_EQ(p->in_flight().records(), 0U);
        cluster.script().delay_sends(0ms);
        if (HasFailure()) break;
    }
}

TEST_F(publisher_succession_test, posts_are_handed_on_and_a_flush_waits_for_them) {
    auto p = make();
    cluster.script().delay_sends(10ms);
    for (int i = 0; i < 100; ++i) {
        EXPECT_TRUE(p->post(*to, "k", "v"));
        if (i == 50) break_down();
    }
    EXPECT_TRUE(
        wait_for(sim, sim, [](publisher& by) -> task<result<void>> { co_return co_await by.flush(); }(*p)));
    EXPECT_EQ(in_the_log(), 100);
}

TEST_F(publisher_succession_test, a_topic_that_is_gone_by_then_holds_up_no_other) {
    auto p = make();
    const topic_name gone("air.gone");
    ASSERT_TRUE(cluster.open_admin()->create_topic({.name = gone}, 1s));
    published_topic& other = **p->topic(gone);
    cluster.script().delay_sends(10ms);
    int refused = 0;
    const auto send_there = [&] {
        p->send(other, "k", "v", {}, [&](result<delivery> answer) { refused += !answer; });
    };
    send_there();
    ASSERT_TRUE(cluster.open_admin()->delete_topic(gone, 1s));
    break_down();
    send_there();
    for (int i = 0; i < 10; ++i)
        send(*p, "N");
    sim.run_until([&] { return answers == sends && refused == 2; }, 1min);
    send_there();
    send(*p, "N");
    sim.run_until([&] { return answers == sends && refused == 3; }, 1min);
    EXPECT_EQ(refused, 3);
    EXPECT_EQ(answers, sends);
    EXPECT_EQ(failed, 0);
    EXPECT_EQ(p->in_flight().records(), 0U);
}

TEST_F(publisher_succession_test, what_waits_for_a_client_when_it_is_closed_is_answered) {
    auto p = make();
    cluster.script().delay_sends(1h);
    for (int i = 0; i < 10; ++i)
        send(*p, "N");
    break_down();
    for (int i = 0; i < 10; ++i)
        send(*p, "N");
    EXPECT_FALSE(p->close(1s));
    EXPECT_EQ(answers, sends);
    EXPECT_EQ(p->in_flight().records(), 0U);
}

} // namespace
} // namespace corvid
