// SPDX-License-Identifier: Apache-2.0
// Events that no broker takes: what becomes of those behind them, and how they are released.
#include "relay_harness.hpp"

namespace corvid::test {
namespace {

class parking : public relaying {
protected:
    /// Of the aggregate `account`: to a topic that is not there until mend().
    void commit_bad(const std::string& account, int n) {
        unit_of_work unit;
        publish(unit,
                outbox_event{.topic = "test.missing", .key = account, .payload = R"({"account":"x","n":0})"},
                {.aggregate_type = "test.invoice.issued", .event_id = account + '-' + std::to_string(n)});
        auto written = get(db_->write(std::move(unit)));
        ASSERT_TRUE(written) << written.error().describe();
    }
    void mend() { create("test.missing"); }
    std::vector<std::string> parked_ids(bool held) {
        std::vector<std::string> ids;
        const auto all = get(box().parked());
        EXPECT_TRUE(all);
        for (const parked_event& each : *all)
            if (each.held == held) ids.push_back(each.id);
        std::ranges::sort(ids);
        return ids;
    }
    bool wait_for_parked(std::size_t count) {
        return until(
            [&] { return get(box().parked()).value_or(std::vector<parked_event>{}).size() == count; });
    }
    /// The event ids of an account, in the order in which they came to either topic; each topic's in order.
    std::vector<std::string> came(const std::string& topic, const std::string& account) {
        std::vector<std::string> ids;
        for (const auto& each : records(topic))
            if (*each.key == account) ids.push_back(header(each, "idempotency_key"));
        return ids;
    }
    using list = std::vector<std::string>;
};

TEST_F(parking, lets_later_events_of_the_aggregate_go_on_where_nothing_else_is_said) {
    begin_relay();
    commit_bad("a", 1);
    commit("a", 2);
    ASSERT_TRUE(wait_for_all_sent());
    EXPECT_EQ(came("test.invoice.issued", "a"), list{"a-2"});
    EXPECT_EQ(parked_ids(false), list{"a-1"});
    mend();
    EXPECT_EQ(get(box().release("a-1")).value_or(-1), 1);
    ASSERT_TRUE(wait_for_parked(0));
    EXPECT_EQ(came("test.missing", "a"), list{"a-1"});
    EXPECT_EQ(count_of("parked"), 0U);
}

TEST_F(parking, holds_later_events_of_the_aggregate_and_of_no_other) {
    begin_relay({.when_parked = when_parked::hold});
    commit("a", 0);
    commit_bad("a", 1);
    for (int n = 2; n < 6; ++n) {
        commit("a", n);
        commit("b", n);
    }
    ASSERT_TRUE(wait_for_all_sent());
    EXPECT_EQ(came("test.invoice.issued", "a"), list{"a-0"});
    EXPECT_EQ(came("test.invoice.issued", "b"), (list{"b-2", "b-3", "b-4", "b-5"}));
    EXPECT_EQ(parked_ids(false), list{"a-1"});
    EXPECT_EQ(parked_ids(true), (list{"a-2", "a-3", "a-4", "a-5"}));
}

TEST_F(parking, releases_what_is_held_in_order_and_before_what_comes_later) {
    begin_relay({.when_parked = when_parked::hold});
    commit_bad("a", 1);
    ASSERT_TRUE(wait_for_parked(1));
    for (int n = 2; n < 40; ++n)
        commit("a", n);
    mend();
    EXPECT_GE(get(box().release("a-1")).value_or(-1), 1);
    for (int n = 40; n < 80; ++n)
        commit("a", n); // while it is released
    ASSERT_TRUE(until([&] { return came("test.invoice.issued", "a").size() == 78; }));
    EXPECT_EQ(came("test.missing", "a"), list{"a-1"});
    static_cast<void>(ids()); // in order
    ASSERT_TRUE(wait_for_parked(0));
    commit("a", 80); // the aggregate lives again
    EXPECT_TRUE(until([&] { return came("test.invoice.issued", "a").size() == 79; }));
}

TEST_F(parking, holds_again_behind_an_event_that_is_refused_again) {
    begin_relay({.when_parked = when_parked::hold});
    commit_bad("a", 1);
    ASSERT_TRUE(wait_for_parked(1));
    for (int n = 2; n < 5; ++n)
        commit("a", n);
    ASSERT_TRUE(wait_for_parked(4));
    EXPECT_EQ(get(box().release("a-1")).value_or(-1), 4);
    ASSERT_TRUE(until([&] { // tried, and parked again
        const auto all = get(box().parked());
        return all && std::ranges::none_of(*all, &parked_event::released);
    }));
    EXPECT_EQ(parked_ids(false), list{"a-1"});
    EXPECT_EQ(parked_ids(true), (list{"a-2", "a-3", "a-4"}));
    EXPECT_TRUE(came("test.invoice.issued", "a").empty());
}

TEST_F(parking, goes_on_behind_an_event_that_is_discarded) {
    begin_relay({.when_parked = when_parked::hold});
    commit_bad("a", 1);
    ASSERT_TRUE(wait_for_parked(1));
    commit("a", 2);
    commit_bad("a", 3);
    commit("a", 4);
    ASSERT_TRUE(wait_for_parked(4));
    EXPECT_EQ(get(box().discard("a-1")).value_or(-1), 1);
    // up to the next that no broker takes
    ASSERT_TRUE(until([&] { return came("test.invoice.issued", "a") == list{"a-2"}; }));
    ASSERT_TRUE(until([&] { return parked_ids(false) == list{"a-3"}; }));
    EXPECT_EQ(parked_ids(true), list{"a-4"});
    EXPECT_EQ(get(box().discard("no such event")).value_or(-1), 0);
    EXPECT_EQ(get(box().release("no such event")).value_or(-1), 0);
}

TEST_F(parking, is_known_to_the_next_relay) {
    relay& first = begin_relay({.when_parked = when_parked::hold});
    commit_bad("a", 1);
    ASSERT_TRUE(wait_for_parked(1));
    first.close();
    commit("a", 2);
    begin_relay({.when_parked = when_parked::hold});
    ASSERT_TRUE(wait_for_parked(2));
    EXPECT_EQ(parked_ids(true), list{"a-2"});
    mend();
    EXPECT_EQ(get(box().release("a-1")).value_or(-1), 2);
    ASSERT_TRUE(wait_for_parked(0));
    EXPECT_EQ(came("test.invoice.issued", "a"), list{"a-2"});
}

} // namespace
} // namespace corvid::test
