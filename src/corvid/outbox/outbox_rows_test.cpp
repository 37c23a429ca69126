// SPDX-License-Identifier: Apache-2.0
#include <corvid/message/message.hpp>
#include <corvid/model/outcome.hpp>
#include <corvid/outbox/outbox_rows.hpp>
#include <corvid/outbox/publish.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace sample {
struct issued {
    std::string order;
    double cents = 0;
};
CORVID_MESSAGE(issued, (order, cents), .topic = "shop.invoice.issued", .key = &issued::order, .version = 2);
} // namespace sample

namespace corvid {
namespace {

using sample::issued;
using store::statement;

std::vector<statement> last_of(unit_of_work& unit, const store::dialect& speech = store::postgres_dialect) {
    std::vector<statement> made;
    unit_of_work* const one = &unit;
    store::run_before_commit({&one, 1}, speech, made);
    return made;
}

const store::sql_array& list_of(const statement& of, std::size_t parameter) {
    return std::get<store::sql_array>(of.parameters.at(parameter).held);
}

TEST(published_rows, come_behind_the_transactions_number_and_sorted_locks) {
    unit_of_work unit;
    for (const char* order : {"c", "a", "b", "a"})
        publish(unit, issued{.order = order, .cents = 1});
    const auto made = last_of(unit);
    ASSERT_EQ(made.size(), 3U);
    EXPECT_NE(made[0].sql.find("pg_current_xact_id"), std::string::npos);
    EXPECT_NE(made[0].sql.find("lock_shared"), std::string::npos);
    std::vector<std::int64_t> locks;
    for (const store::sql_value& each : list_of(made[1], 0).items)
        locks.push_back(std::get<std::int64_t>(each.held));
    EXPECT_EQ(locks.size(), 3U);
    EXPECT_TRUE(std::ranges::is_sorted(locks));
    EXPECT_EQ(std::ranges::count(locks, 0), 0);
    EXPECT_NE(made[2].sql.find("insert into outbox"), std::string::npos);
    EXPECT_EQ(list_of(made[2], 1).items.size(), 4U);
}

TEST(published_rows, that_are_alone_are_no_set_and_bring_number_and_locks_along) {
    unit_of_work unit;
    publish(unit, issued{.order = "7", .cents = 1}, {.event_id = "mine"});
    const auto made = last_of(unit);
    ASSERT_EQ(made.size(), 1U);
    const auto place =
        outbox_detail::place_of({.aggregate_type = "shop.invoice.issued", .aggregate_id = "7"});
    ASSERT_EQ(made[0].parameters.size(), 9U);
    EXPECT_EQ(made[0].parameters[0], store::sql_value{std::int64_t{place.shard}});
    EXPECT_EQ(made[0].parameters[1], store::sql_value{std::string("mine")});
    EXPECT_EQ(made[0].parameters[8], store::sql_value{std::int64_t{*place.lock}});
    EXPECT_EQ(made[0].sql.find("unnest"), std::string::npos);
    std::size_t at = 0;
    for (const char* step : {"pg_current_xact_id", "lock_shared", "pg_advisory_xact_lock(", "nextval"}) {
        at = made[0].sql.find(step, at);
        EXPECT_NE(at, std::string::npos) << step << " is not in its place";
    }
}

TEST(published_rows, of_more_than_64_aggregates_close_the_gate) {
    unit_of_work unit;
    for (int n = 0; n < 65; ++n)
        publish(unit, issued{.order = std::to_string(n), .cents = 1});
    const auto made = last_of(unit);
    ASSERT_EQ(made.size(), 2U);
    EXPECT_EQ(made[0].sql.find("lock_shared"), std::string::npos);
    EXPECT_NE(made[0].sql.find("pg_advisory_xact_lock("), std::string::npos);
}

TEST(published_rows, without_a_key_lock_nothing) {
    unit_of_work unit;
    publish(unit, outbox_event{.topic = "a.b", .payload = "x"});
    ASSERT_EQ(last_of(unit).size(), 1U);
    EXPECT_EQ(last_of(unit)[0].sql.find("xact_lock("), std::string::npos);
    publish(unit, outbox_event{.topic = "a.b", .payload = "y"});
    EXPECT_EQ(last_of(unit).size(), 2U);
}

TEST(published_rows, of_several_units_are_written_together) {
    unit_of_work a, b;
    publish(a, issued{.order = "1", .cents = 1});
    publish(b, issued{.order = "2", .cents = 1});
    std::array<unit_of_work*, 2> both{&a, &b};
    std::vector<statement> made;
    store::run_before_commit(both, store::postgres_dialect, made);
    ASSERT_EQ(made.size(), 3U);
    EXPECT_EQ(list_of(made[2], 1).items.size(), 2U);
}

TEST(published_rows, are_one_statement_each_on_sqlite) {
    unit_of_work unit;
    publish(unit, issued{.order = "1", .cents = 1});
    publish(unit, issued{.order = "2", .cents = 1});
    EXPECT_EQ(last_of(unit, store::sqlite_dialect).size(), 2U);
}

TEST(published_rows, say_id_version_and_cause) {
    class occasion final : public unit_occasion {
        [[nodiscard]] unit_cause cause() const override { return {"c", "e", "t"}; }
    } of;
    unit_of_work unit;
    unit.on_occasion(&of);
    publish(unit, issued{.order = "1", .cents = 1}, {.event_id = "mine"});
    const auto made = last_of(unit, store::sqlite_dialect);
    EXPECT_EQ(std::get<std::string>(made[0].parameters[0].held), "mine");
    EXPECT_EQ(std::get<std::string>(made[0].parameters[6].held),
              R"({"causation_id":"e","correlation_id":"c","event_version":"2","idempotency_key":"mine",)"
              R"("traceparent":"t"})");
}

TEST(published_rows, have_ids_of_their_own_and_the_same_at_each_attempt) {
    unit_of_work unit;
    publish(unit, issued{.order = "1", .cents = 1});
    publish(unit, issued{.order = "1", .cents = 1});
    const auto first = last_of(unit, store::sqlite_dialect), again = last_of(unit, store::sqlite_dialect);
    EXPECT_EQ(first[0].parameters, again[0].parameters);
    EXPECT_NE(first[0].parameters[0], first[1].parameters[0]);
}

TEST(published_rows, that_can_never_be_sent_are_refused_and_leave_nothing) {
    unit_of_work unit;
    EXPECT_THROW(publish(unit, issued{.order = "1", .cents = std::nan("")}), rejected);
    EXPECT_THROW(publish(unit, issued{.order = "1", .cents = 1}, {.key = std::string_view("a\0b", 3)}),
                 rejected);
    EXPECT_THROW(publish(unit, issued{.order = "1", .cents = 1}, {.event_id = "\xff"}), rejected);
    EXPECT_THROW(publish(unit, outbox_event{.topic = "no topic"}), rejected);
    EXPECT_TRUE(unit.empty());
}

TEST(aggregates, are_spread_over_all_shards) {
    std::set<std::int32_t> shards, locks;
    for (int n = 0; n < 1'000; ++n) {
        const auto at = outbox_detail::place_of({.aggregate_type = "t", .aggregate_id = std::to_string(n)});
        shards.insert(at.shard);
        locks.insert(*at.lock);
    }
    EXPECT_EQ(shards.size(), 8U);
    EXPECT_GT(locks.size(), 995U);
}

// Fixed for ever: two versions that disagree would write one aggregate at the same time.
TEST(aggregates, have_the_same_place_in_every_version) {
    EXPECT_EQ(outbox_detail::aggregate_hash("shop.invoice.issued", "42"),
              outbox_detail::aggregate_hash("shop.invoice.issued", "42"));
    EXPECT_NE(outbox_detail::aggregate_hash("ab", "c"), outbox_detail::aggregate_hash("a", "bc"));
}

} // namespace
} // namespace corvid
