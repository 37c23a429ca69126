// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/random.hpp>
#include <corvid/produce/detail/gather.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace corvid::detail {
namespace {

/// Keeps the values that it takes, and refuses those that begin with '!'.
class listing_sink final : public broker::record_sink {
public:
    result<broker::sink_topic*> topic(const topic_name&) override { return &only; }
    result<void> send(const broker::outgoing& record) noexcept override {
        const std::string value(record.value.text());
        if (value.starts_with('!')) return fail(errc::queue_full);
        values.push_back(value);
        return {};
    }
    std::vector<refusal> send_all(std::span<const broker::outgoing> records) noexcept override {
        ++calls;
        return record_sink::send_all(records);
    }
    void hurry() noexcept override {}
    void purge() noexcept override {}
    [[nodiscard]] std::size_t unreported() const noexcept override { return 0; }
    result<void> close(std::chrono::milliseconds) override { return {}; }

    broker::sink_topic only{topic_name("t")};
    std::vector<std::string> values;
    int calls = 0;
};

struct owner final : gather::owner {
    bool bundle_began() noexcept override {
        began += takes;
        return takes;
    }
    void refused(const broker::outgoing& record, error&&) noexcept override {
        told.emplace_back(record.value.text());
    }
    void bundle_ended() noexcept override { ++ended; }
    bool takes = true;
    int began = 0, ended = 0;
    std::vector<std::string> told;
};

/// As a publisher sends on a loop.
void send(broker::record_sink& to, const broker::outgoing& record, owner& of) {
    if (gather::here().take(to, record, of)) return;
    gather::here().hand_over();
    EXPECT_TRUE(to.send(record));
}

TEST(gather, takes_nothing_outside_a_turn) {
    listing_sink sink;
    owner own;
    EXPECT_FALSE(gather::here().take(sink, {.value = "x"}, own));
}

TEST(gather, hands_a_turn_over_as_one_when_it_ends_and_borrows_nothing) {
    listing_sink sink;
    owner own;
    std::string buffer;
    {
        const turn one;
        for (const char c : {'a', 'b', 'c'}) {
            buffer.assign(1, c);
            send(sink, {.value = std::string_view(buffer)}, own);
        }
        EXPECT_TRUE(sink.values.empty());
    }
    EXPECT_EQ(sink.values, (std::vector<std::string>{"a", "b", "c"}));
    EXPECT_EQ(sink.calls, 1);
}

// Small and large ones, with and without headers, more than fit, for two sinks: each sink has them in order.
TEST(gather, keeps_the_order_of_a_loop) {
    for (std::uint64_t seed = 0; seed < 500; ++seed) {
        SCOPED_TRACE(seed);
        prng random(seed);
        listing_sink sinks[2];
        std::vector<std::string> expected[2];
        owner own;
        for (std::uint64_t turns = random.below(4); turns > 0; --turns) {
            const turn one;
            for (std::uint64_t i = random.below(200); i > 0; --i) {
                const auto which = random.below(10) == 0 ? 1U : 0U;
                std::string value = std::to_string(i);
                if (random.below(20) == 0) value.resize(random.below(2 * record_bundle::largest_record), '.');
                const header_view header{"h", "v"};
                broker::outgoing record{.value = std::string_view(value)};
                if (random.below(20) == 0) record.headers = {&header, 1};
                send(sinks[which], record, own);
                expected[which].push_back(value);
            }
        }
        EXPECT_EQ(sinks[0].values, expected[0]);
        EXPECT_EQ(sinks[1].values, expected[1]);
        EXPECT_EQ(own.began, own.ended);
    }
}

TEST(gather, tells_of_each_refused_record_before_its_bundle_has_ended) {
    listing_sink sink;
    owner own;
    {
        const turn one;
        for (const char* value : {"a", "!b", "c", "!d"})
            send(sink, {.value = value}, own);
        EXPECT_EQ(own.began, 1);
        EXPECT_EQ(own.ended, 0);
    }
    EXPECT_EQ(own.told, (std::vector<std::string>{"!b", "!d"}));
    EXPECT_EQ(sink.values, (std::vector<std::string>{"a", "c"}));
    EXPECT_EQ(own.ended, 1);
}

TEST(gather, takes_nothing_for_an_owner_that_is_closed) {
    listing_sink sink;
    owner own;
    own.takes = false;
    const turn one;
    EXPECT_FALSE(gather::here().take(sink, {.value = "x"}, own));
}

} // namespace
} // namespace corvid::detail
