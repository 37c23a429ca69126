// SPDX-License-Identifier: Apache-2.0
//
// The in-process broker under real concurrency: many senders on one sink, members that come and go, faults
// meanwhile.
#include "harness.hpp"
#include "memory_broker.hpp"

#include <algorithm>
#include <thread>

namespace corvid::conformance {

namespace {

class memory_threads : public testing::Test, protected with_broker {
protected:
    void SetUp() override {
        auto made = std::make_unique<memory_on_threads>();
        cluster_ = &made->cluster();
        use(std::move(made));
    }
    [[nodiscard]] memory::faults& script() { return cluster_->script(); }

    // Each sender has a partition of its own; what a full queue refuses is sent again.
    static void send_numbers(producer& by, const topic_partition& where, int count) {
        for (int i = 0; i < count;) {
            const to_send what{.value = std::to_string(i),
                               .choice = broker::partition_choice::exactly(where.partition)};
            if (by.post(where.topic, what))
                ++i;
            else
                std::this_thread::yield();
        }
    }

private:
    memory::cluster* cluster_ = nullptr;
};

} // namespace

TEST_F(memory_threads, each_sender_keeps_its_order_through_faults) {
    constexpr int senders = 4;
    constexpr int each = 3'000;
    const topic_name topic = make_topic(senders);
    const auto producer = open_producer({.properties = {{"queue.buffering.max.messages", "1000"}}});
    const auto reader = open_reader(reading("group", {topic}));
    ASSERT_TRUE(reader->await_owned(senders));
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < senders; ++i)
            threads.emplace_back([&, i] { send_numbers(*producer, at(topic, i), each); });
        for (int i = 0; i < 10; ++i) {
            script().broker_down();
            let_pass(under(), 2ms);
            script().broker_up();
            script().delay_sends(i % 2 == 0 ? 1ms : 0ms);
            let_pass(under(), 2ms);
        }
        script().delay_sends(0ms);
    }
    ASSERT_TRUE(producer->await_reports(std::uint64_t{senders} * each));
    EXPECT_EQ(producer->reported().failed_posts, 0U);
    for (int i = 0; i < senders; ++i) {
        ASSERT_TRUE(reader->await_records(at(topic, i), each));
        EXPECT_EQ(reader->values(at(topic, i)), numbers(0, each)) << "sender " << i;
    }
}

TEST_F(memory_threads, members_that_come_and_go_leave_no_record_out) {
    constexpr int partitions = 4;
    constexpr int each = 2'000;
    const topic_name topic = make_topic(partitions);
    const auto producer = open_producer();
    const auto stays = open_reader(reading("group", {topic}));
    std::map<topic_partition, std::set<std::int64_t>> seen;
    const auto collect = [&](group_reader& from) {
        for (const auto& [where, records] : from.now().records)
            for (const seen_record& one : records)
                seen[where].insert(one.offset);
    };
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < partitions; ++i)
            threads.emplace_back([&, i] { send_numbers(*producer, at(topic, i), each); });
        for (int i = 0; i < 8; ++i) {
            const auto guest = open_reader(reading("group", {topic}));
            EXPECT_TRUE(guest->await([](const auto& all) { return !all.owned.empty(); }));
            guest->close();
            collect(*guest);
        }
    }
    ASSERT_TRUE(producer->await_reports(std::uint64_t{partitions} * each));
    EXPECT_TRUE(eventually(under(), [&] {
        collect(*stays);
        return std::ranges::all_of(seen, [](const auto& one) { return one.second.size() == each; }) &&
               seen.size() == partitions;
    }));
}

} // namespace corvid::conformance
