// SPDX-License-Identifier: Apache-2.0
#include <corvid/produce/detail/intake.hpp>

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <thread>
#include <vector>

namespace corvid::detail {
namespace {

/// Keeps the values that it takes by their key, and refuses those that begin with '!'. Any thread.
class keyed_sink final : public broker::record_sink {
public:
    result<broker::sink_topic*> topic(const topic_name&) override { return &only; }
    result<void> send(const broker::outgoing& record) noexcept override {
        if (record.value.text().starts_with('!')) return fail(errc::queue_full);
        const std::lock_guard lock(mutex);
        values[std::string(record.key.text())].emplace_back(record.value.text());
        return {};
    }
    void hurry() noexcept override {}
    void purge() noexcept override {}
    [[nodiscard]] std::size_t unreported() const noexcept override { return 0; }
    result<void> close(std::chrono::milliseconds) override { return {}; }

    broker::sink_topic only{topic_name("t")};
    std::mutex mutex;
    std::map<std::string, std::vector<std::string>> values;
};

void send(intake& through, keyed_sink& to, std::string_view key, std::string_view value) {
    const broker::outgoing record{.key = key, .value = value};
    if (through.take(to, record)) return;
    EXPECT_TRUE(to.send(record));
}

void open(intake& one, keyed_sink& to) {
    for (std::uint32_t i = 0; i < intake::many; ++i)
        send(one, to, "opening", "x");
    ASSERT_TRUE(one.look());
}

TEST(intake, stays_out_of_the_way_while_little_comes) {
    intake one;
    keyed_sink sink;
    for (int look = 0; look < 10; ++look) {
        for (std::uint32_t i = 0; i < intake::many - 1; ++i)
            EXPECT_FALSE(one.take(sink, {.value = "x"}));
        EXPECT_FALSE(one.look());
    }
}

TEST(intake, opens_when_much_comes_and_closes_empty_when_it_has_become_quiet) {
    intake one;
    keyed_sink sink;
    open(one, sink);
    EXPECT_TRUE(one.take(sink, {.key = "k", .value = "v"}));
    EXPECT_TRUE(sink.values["k"].empty());
    EXPECT_TRUE(one.sweep());
    EXPECT_EQ(sink.values["k"].size(), 1U) << "a record waits at most one sweep";
    std::uint32_t sweeps = 1;
    while (one.sweep())
        ASSERT_LT(++sweeps, 2 * intake::patience);
    EXPECT_FALSE(one.take(sink, {.key = "k", .value = "v"}));
}

TEST(intake, keeps_what_was_refused_with_its_bytes_until_it_is_told) {
    intake one;
    keyed_sink sink;
    open(one, sink);
    EXPECT_TRUE(one.take(sink, {.key = "k", .value = "!no", .generation = true}));
    one.hand_over();
    const auto refused = one.take_refused();
    ASSERT_EQ(refused.size(), 1U);
    EXPECT_EQ(refused[0].record.key.text(), "k");
    EXPECT_EQ(refused[0].record.value.text(), "!no");
    EXPECT_TRUE(refused[0].record.generation);
    EXPECT_EQ(refused[0].why.code(), errc::queue_full);
    EXPECT_TRUE(one.take_refused().empty());
}

TEST(intake, that_is_shut_holds_nothing_and_never_opens_again) {
    intake one;
    keyed_sink sink;
    open(one, sink);
    EXPECT_TRUE(one.take(sink, {.key = "k", .value = "v"}));
    one.shut();
    EXPECT_EQ(sink.values["k"].size(), 1U);
    for (std::uint32_t i = 0; i < intake::many; ++i)
        EXPECT_FALSE(one.take(sink, {.value = "x"}));
    EXPECT_FALSE(one.look());
}

// Six threads on four lanes, small and large records, while another thread opens, sweeps, closes and flushes.
TEST(intake, keeps_the_order_of_each_thread_and_loses_nothing) {
    constexpr int threads = 6;
    constexpr int each = 20'000;
    intake one;
    keyed_sink sink;
    std::atomic<int> running = threads;
    std::vector<std::jthread> senders;
    for (int t = 0; t < threads; ++t)
        senders.emplace_back([&, key = std::to_string(t)] {
            for (int i = 0; i < each; ++i) {
                std::string value = std::to_string(i);
                if (i % 97 == 0) value.resize(record_bundle::largest_record + 1, ' ');
                send(one, sink, key, value);
            }
            --running;
        });
    for (std::uint32_t round = 0; running > 0; ++round) {
        (void)one.look();
        (void)one.sweep();
        if (round % 16 == 0) one.hand_over();
        std::this_thread::yield();
    }
    senders.clear();
    one.shut();
    for (int t = 0; t < threads; ++t) {
        const auto& got = sink.values[std::to_string(t)];
        ASSERT_EQ(got.size(), static_cast<std::size_t>(each));
        for (int i = 0; i < each; ++i)
            ASSERT_EQ(std::stoi(got[static_cast<std::size_t>(i)]), i) << "thread " << t;
    }
}

} // namespace
} // namespace corvid::detail
