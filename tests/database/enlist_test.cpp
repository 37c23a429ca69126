// SPDX-License-Identifier: Apache-2.0
// Units written on handles that the user opened.
#include "postgres_server.hpp"
#include <corvid/store/postgres/enlist.hpp>
#include <corvid/store/rows.hpp>
#include <corvid/store/sqlite/enlist.hpp>

#include <gtest/gtest.h>
#include <sqlite3.h>

namespace corvid::test {
namespace {

class enlisted_postgres : public testing::Test {
protected:
    using handle = PGconn*;
    enlisted_postgres() { exec("create table t(id bigint primary key)"); }
    void exec(const std::string& sql) { ask_raw(mine_.get(), sql); }
    [[nodiscard]] PGconn* mine() const { return mine_.get(); }

    own_schema schema_;
    raw_connection mine_ = connect_raw(schema_.url());
};

class enlisted_sqlite : public testing::Test {
protected:
    enlisted_sqlite() {
        sqlite3* opened = nullptr;
        EXPECT_EQ(sqlite3_open(":memory:", &opened), SQLITE_OK);
        mine_.reset(opened);
        exec("create table t(id integer primary key)");
    }
    void exec(const std::string& sql) {
        EXPECT_EQ(sqlite3_exec(mine(), sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sql;
    }
    [[nodiscard]] sqlite3* mine() const { return mine_.get(); }

    std::unique_ptr<sqlite3, decltype(&sqlite3_close)> mine_{nullptr, &sqlite3_close};
};

template <class Fixture>
class enlisted : public Fixture {
protected:
    static unit_of_work insert(std::initializer_list<std::int64_t> ids) {
        unit_of_work unit;
        for (const std::int64_t id : ids)
            unit.execute("insert into t values ($1)", id);
        return unit;
    }
    std::vector<std::int64_t> ids() {
        const auto rows = store::run_on(this->mine(), {.sql = "select id from t order by id"});
        EXPECT_TRUE(rows);
        return rows ? store::read_rows<std::int64_t>(*rows).value_or(std::vector<std::int64_t>{-1})
                    : std::vector<std::int64_t>{-1};
    }
};

using databases = testing::Types<enlisted_postgres, enlisted_sqlite>;
TYPED_TEST_SUITE(enlisted, databases);

using list = std::vector<std::int64_t>;

TYPED_TEST(enlisted, a_unit_shares_the_fate_of_the_users_transaction) {
    auto unit = this->insert({1, 2});
    this->exec("begin");
    ASSERT_TRUE(store::write_on(this->mine(), unit));
    this->exec("rollback");
    EXPECT_EQ(this->ids(), list{});
    this->exec("begin");
    ASSERT_TRUE(store::write_on(this->mine(), unit));
    this->exec("insert into t values (3)");
    this->exec("commit");
    EXPECT_EQ(this->ids(), (list{1, 2, 3}));
}

TYPED_TEST(enlisted, a_handle_without_a_transaction_is_refused_and_nothing_is_written) {
    auto unit = this->insert({1});
    const auto written = store::write_on(this->mine(), unit);
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code(), errc::transaction_over);
    EXPECT_EQ(this->ids(), list{});
}

TYPED_TEST(enlisted, a_refused_statement_is_told_as_the_pool_would_tell_it) {
    auto unit = this->insert({1, 1});
    this->exec("begin");
    const auto written = store::write_on(this->mine(), unit);
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().sqlstate(), "23505");
    EXPECT_EQ(written.error().kind(), error_kind::rejected);
    this->exec("rollback");
    EXPECT_EQ(this->ids(), list{});
}

TEST_F(enlisted_postgres, a_connection_in_pipeline_mode_is_refused) {
    ASSERT_EQ(PQenterPipelineMode(mine()), 1);
    EXPECT_EQ(store::run_on(mine(), {.sql = "select 1"}).error().code(), errc::invalid_argument);
}

} // namespace
} // namespace corvid::test
