// SPDX-License-Identifier: Apache-2.0
#include "harness.hpp"

namespace corvid::test {
namespace {

class database_transactions : public database_test {
protected:
    database_transactions() {
        open();
        run("create table parent(id " + type("bigint") + " primary key)");
        run("create table item(id " + type("bigint") + " primary key, label " + type("text") +
            " not null, size " + type("int") + " check (size < 100), parent " + type("bigint") +
            " references parent(id))");
    }
    std::vector<std::int64_t> ids() { return read<std::int64_t>("select id from item order by id"); }
    static unit_of_work items(std::initializer_list<std::int64_t> ids) {
        unit_of_work unit;
        for (const std::int64_t id : ids)
            unit.execute("insert into item(id, label) values ($1, $2)", id, "x");
        return unit;
    }
};

using list = std::vector<std::int64_t>;

TEST_F(database_transactions, a_unit_is_written_whole) {
    ASSERT_TRUE(get(db_->write(items({1, 2, 3}))));
    EXPECT_EQ(ids(), (list{1, 2, 3}));
}

TEST_F(database_transactions, a_unit_with_one_refused_statement_leaves_nothing) {
    for (const auto& bad : {items({1, 2, 2}), items({2, 2, 1}), items({1, 1, 2, 3})}) {
        unit_of_work unit;
        for (const auto& each : bad.recorded())
            unit.add(each);
        const auto written = get(db_->write(std::move(unit)));
        ASSERT_FALSE(written);
        EXPECT_EQ(written.error().sqlstate(), "23505");
        EXPECT_EQ(written.error().kind(), error_kind::rejected);
        EXPECT_EQ(ids(), list{});
    }
}

TEST_F(database_transactions, an_empty_unit_is_written_too) { EXPECT_TRUE(get(db_->write(unit_of_work{}))); }

TEST_F(database_transactions, a_unit_may_create_what_its_next_statement_uses) {
    unit_of_work unit;
    unit.execute("create table made(id " + type("bigint") + ")");
    unit.execute("insert into made values ($1)", 7);
    ASSERT_TRUE(get(db_->write(std::move(unit))));
    EXPECT_EQ(read<std::int64_t>("select id from made"), list{7});
}

TEST_F(database_transactions, each_constraint_has_its_sqlstate_and_is_the_records_fault) {
    run("insert into parent values (1)");
    run("insert into item values (1, 'a', 1, 1)");
    const std::vector<std::pair<std::string, std::string>> cases{
        {"insert into item values (1, 'a', 1, 1)", "23505"},
        {"insert into item values (2, null, 1, 1)", "23502"},
        {"insert into item values (2, 'a', 100, 1)", "23514"},
        {"insert into item values (2, 'a', 1, 2)", "23503"}};
    for (const auto& [sql, state] : cases) {
        const error why = refused(sql);
        EXPECT_EQ(why.sqlstate(), state) << sql;
        EXPECT_EQ(why.code(), errc::statement_rejected);
        EXPECT_EQ(why.kind(), error_kind::rejected);
    }
}

TEST_F(database_transactions, wrong_sql_is_fatal_as_no_other_record_would_fare_better) {
    for (const std::string sql : {"insert into nowhere values (1)", "selec 1", "select nothing from item"})
        EXPECT_EQ(refused(sql).kind(), error_kind::fatal) << sql;
    EXPECT_EQ(run("insert into parent values (5)"), 1);
}

TEST_F(database_transactions, an_interactive_one_sees_its_own_writes_and_others_only_after_commit) {
    auto open_one = get(db_->begin());
    ASSERT_TRUE(open_one);
    ASSERT_TRUE(get(open_one->execute("insert into item(id, label) values ($1, 'x')", 1)));
    EXPECT_EQ(get(open_one->query<std::int64_t>("select id from item")).value_or(list{}), list{1});
    EXPECT_EQ(ids(), list{});
    ASSERT_TRUE(get(open_one->commit()));
    EXPECT_EQ(ids(), list{1});
    const auto late = get(open_one->execute("insert into item(id, label) values (2, 'x')"));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code(), errc::transaction_over);
}

TEST_F(database_transactions, rolled_back_or_dropped_leave_nothing_and_give_their_session_back) {
    for (int round = 0; round < 10; ++round) {
        auto dropped = get(db_->begin());
        ASSERT_TRUE(dropped) << dropped.error().describe();
        ASSERT_TRUE(get(dropped->execute("insert into item(id, label) values (1, 'x')")));
        const bool ended = round % 2 == 1 || get(dropped->rollback()).has_value();
        EXPECT_TRUE(ended);
    }
    EXPECT_EQ(ids(), list{});
}

TEST_F(database_transactions, after_a_failed_statement_only_rollback_is_possible) {
    auto failed = get(db_->begin());
    ASSERT_TRUE(failed);
    ASSERT_TRUE(get(failed->execute("insert into item(id, label) values (1, 'x')")));
    ASSERT_FALSE(get(failed->execute("insert into item(id, label) values (1, 'x')")));
    EXPECT_FALSE(get(failed->query<std::int64_t>("select 1")));
    EXPECT_FALSE(get(failed->commit()));
    EXPECT_TRUE(get(failed->rollback()));
    EXPECT_EQ(ids(), list{});
}

TEST_F(database_transactions, concurrent_units_on_one_row_are_all_applied) {
    run("insert into item(id, label, size) values (1, 'x', 0)");
    constexpr int units = 60;
    struct steps {
        static task<void> add(database& db, int& failures) {
            unit_of_work unit;
            unit.execute("update item set size = size + 1 where id = $1", 1);
            auto call = db.write(std::move(unit));
            if (!co_await call) ++failures;
        }
    };
    int failures = 0;
    task_scope scope;
    for (int i = 0; i < units; ++i)
        scope.spawn(client_->loop(), steps::add(*db_, failures));
    scope.wait(root_);
    EXPECT_EQ(failures, 0);
    EXPECT_EQ(read<std::int64_t>("select size from item"), list{units});
}

struct marker_hook final : commit_hook {
    void before_commit(std::span<unit_of_work* const> units, const store::dialect&,
                       std::vector<store::statement>& into) override {
        ++calls;
        for (const unit_of_work* unit : units)
            into.push_back(store::make_statement("insert into parent values ($1)",
                                                 static_cast<std::int64_t>(100 + unit->recorded().size())));
    }
    void after_commit(std::span<unit_of_work* const>, store::session_lender*) noexcept override { ++commits; }
    int calls = 0, commits = 0;
};

TEST_F(database_transactions, a_hook_writes_last_and_hears_of_the_commit_only_when_there_was_one) {
    const auto hook = std::make_shared<marker_hook>();
    unit_of_work good = items({1, 2}), bad = items({3, 3});
    (void)good.place_for(hook);
    (void)good.place_for(hook);
    (void)bad.place_for(hook);
    ASSERT_FALSE(get(db_->write(std::move(bad))));
    ASSERT_TRUE(get(db_->write(std::move(good))));
    EXPECT_EQ(hook->calls, 2);
    EXPECT_EQ(hook->commits, 1);
    EXPECT_EQ(read<std::int64_t>("select id from parent"), list{102});
}

} // namespace
} // namespace corvid::test
