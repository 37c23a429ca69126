// SPDX-License-Identifier: Apache-2.0
#include "outbox_harness.hpp"
#include <corvid/base/random.hpp>

#include <algorithm>
#include <map>

namespace corvid::test {
namespace {

class publishing : public outbox_test {};

TEST_F(publishing, leaves_a_row_with_its_transaction) {
    unit_of_work unit = with("a", 1);
    publish(unit, outbox_event{.topic = "test.bytes", .payload = std::string_view("\x00\xff", 2)});
    publish_tombstone<invoice_issued>(unit, "a");
    ASSERT_TRUE(get(db_->write(std::move(unit))));
    const auto all = lines();
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(std::ranges::count(all, std::string("pending"), &outbox_line::state), 3);
    EXPECT_EQ(read<std::string>("select topic from outbox where payload is null"),
              std::vector<std::string>{"test.invoice.issued"});
    EXPECT_EQ(read<std::vector<std::byte>>("select payload from outbox where topic = 'test.bytes'").at(0),
              (std::vector<std::byte>{std::byte{0}, std::byte{0xff}}));
}

TEST_F(publishing, leaves_nothing_with_a_transaction_that_is_rolled_back) {
    unit_of_work unit = with("a", 1);
    unit.execute("insert into no_such_table values (1)");
    EXPECT_FALSE(get(db_->write(std::move(unit))));
    auto open = get(db_->begin());
    ASSERT_TRUE(open);
    ASSERT_TRUE(get(open->rollback()));
    EXPECT_TRUE(lines().empty());
}

TEST_F(publishing, joins_a_transaction_that_was_open) {
    auto open = get(db_->begin());
    ASSERT_TRUE(open);
    ASSERT_TRUE(get(open->commit(with("a", 1))));
    EXPECT_EQ(lines().size(), 1U);
}

TEST_F(publishing, takes_many_events_and_any_number_of_aggregates) {
    unit_of_work unit;
    for (int n = 0; n < 1'000; ++n)
        publish(unit, invoice_issued{.account = std::to_string(n % 100), .n = n});
    ASSERT_TRUE(get(db_->write(std::move(unit))));
    EXPECT_EQ(lines().size(), 1'000U);
}

TEST_F(publishing, numbers_the_shards_of_postgres_apart) {
    for (int n = 0; n < 30; ++n)
        commit("a" + std::to_string(n % 7), n);
    EXPECT_EQ(read<std::int64_t>("select count(*) from outbox where shard <> seq % " +
                                 std::string(postgres() ? "8" : "1")),
              std::vector<std::int64_t>{0});
}

constexpr int accounts = 5, writers = 4, each = 60;

task<void> write(database& db, std::uint64_t seed, int& running, std::string& failures) {
    prng random(seed);
    for (int n = 0; n < each; ++n) {
        unit_of_work unit;
        for (int a = 0; a < accounts; ++a)
            if (random.chance(0.4)) publish(unit, invoice_issued{.account = "a" + std::to_string(a), .n = n});
        auto writing = db.write(std::move(unit));
        auto written = co_await writing;
        if (!written) failures += written.error().describe() + '\n';
    }
    --running;
}

task<void> look(database& db, const int& running, std::map<std::string, std::int64_t>& seen,
                std::string& failures) {
    std::map<std::string, std::int64_t> known; // rows of each
    while (running > 0) {
        std::map<std::string, std::int64_t> top = seen;
        auto asking =
            db.query<outbox_line>("select seq, id, state, aggregate_id from outbox_status order by seq");
        auto rows = co_await asking;
        if (!rows) {
            failures += rows.error().describe() + '\n';
            co_return;
        }
        std::map<std::string, std::int64_t> count;
        for (const outbox_line& row : *rows)
            if (const auto before = seen.find(*row.aggregate_id);
                before != seen.end() && row.seq <= before->second)
                ++count[*row.aggregate_id];
            else
                top[*row.aggregate_id] = row.seq;
        for (const auto& [account, rows_of_it] : known)
            if (count[account] != rows_of_it) failures += account + " got a row below what was seen\n";
        for (const outbox_line& row : *rows)
            count[*row.aggregate_id] = 0;
        for (const outbox_line& row : *rows)
            ++count[*row.aggregate_id];
        known = count;
        seen = top;
    }
}

// Whoever looks sees of each aggregate what has the lowest numbers: nothing appears below what was seen
// before.
TEST_F(publishing, numbers_the_events_of_an_aggregate_in_the_order_of_commits) {
    std::string failures;
    std::map<std::string, std::int64_t> seen;
    int running = writers;
    task_scope scope;
    for (int w = 0; w < writers; ++w)
        scope.spawn(client_->loop(), write(*db_, static_cast<std::uint64_t>(w) + 1, running, failures));
    scope.spawn(client_->loop(), look(*db_, running, seen, failures));
    scope.wait(root_);
    EXPECT_EQ(failures, "");
    EXPECT_EQ(seen.size(), static_cast<std::size_t>(accounts));
}

} // namespace
} // namespace corvid::test
