// SPDX-License-Identifier: Apache-2.0
#include "harness.hpp"
#include <corvid/observe/metrics.hpp>

namespace corvid::test {
namespace {

using namespace std::chrono_literals;

class database_pool : public database_test {};

TEST_F(database_pool, that_is_exhausted_times_out_and_names_its_settings) {
    open([](database_settings& s) {
        s.pool_size = 1;
        s.acquire_timeout = 2s; // of which the first connection takes its share
    });
    auto held = get(db_->begin());
    ASSERT_TRUE(held);
    const auto waited = get(db_->query<std::int64_t>("select 1"));
    ASSERT_FALSE(waited);
    EXPECT_EQ(waited.error().code(), errc::pool_exhausted);
    EXPECT_EQ(waited.error().kind(), error_kind::retriable);
    EXPECT_NE(waited.error().message().find("acquire_timeout (2000 ms)"), std::string_view::npos)
        << waited.error().describe();
    EXPECT_NE(waited.error().hint().find("database.pool_size"), std::string_view::npos);
    ASSERT_TRUE(get(held->rollback()));
    EXPECT_TRUE(get(db_->query<std::int64_t>("select 1")));
}

TEST_F(database_pool, serves_those_who_wait_when_a_session_comes_back) {
    open([](database_settings& s) { s.pool_size = 1; });
    struct steps {
        static task<void> ask(database& db, int& answered) {
            auto call = db.query<std::int64_t>("select 1");
            if (co_await call) ++answered;
        }
    };
    int answered = 0;
    task_scope scope;
    {
        auto held = get(db_->begin());
        for (int i = 0; i < 20; ++i)
            scope.spawn(client_->loop(), steps::ask(*db_, answered));
        EXPECT_TRUE(get(held->rollback()));
    }
    scope.wait(root_);
    EXPECT_EQ(answered, 20);
}

TEST_F(database_pool, that_is_closed_refuses_and_ends_waits) {
    open([](database_settings& s) { s.pool_size = 1; });
    ASSERT_TRUE(get(db_->query<std::int64_t>("select 1")));
    db_->close();
    const auto late = get(db_->query<std::int64_t>("select 1"));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code(), errc::stopped);
    db_->close();
}

TEST_F(database_pool, a_statement_that_takes_too_long_is_ended_and_the_session_serves_on) {
    open([](database_settings& s) {
        s.statement_deadline = 100ms;
        s.lock_timeout = 100ms;
    });
    const auto slow = get(db_->query<std::int64_t>("with recursive n(i) as (select 1 union all select i + 1 "
                                                   "from n where i < 1000000000) select count(*) from n"));
    ASSERT_FALSE(slow);
    EXPECT_EQ(slow.error().sqlstate(), "57014");
    EXPECT_EQ(slow.error().code(), errc::statement_timed_out);
    EXPECT_EQ(slow.error().kind(), error_kind::retriable);
    EXPECT_NE(slow.error().hint().find("statement_deadline"), std::string_view::npos);
    EXPECT_TRUE(get(db_->query<std::int64_t>("select 1")));
}

TEST_F(database_pool, forgets_the_oldest_statements_when_there_are_many_and_still_runs_them) {
    open([](database_settings& s) {
        s.pool_size = 1;
        s.statement_cache = 8;
    });
    for (int round = 0; round < 3; ++round)
        for (std::int64_t i = 0; i < 30; ++i)
            EXPECT_EQ(read<std::int64_t>("select " + std::to_string(i) + " + 0"),
                      std::vector<std::int64_t>{i});
}

TEST_F(database_pool, a_statement_survives_a_change_of_its_tables) {
    open([](database_settings& s) { s.pool_size = 1; });
    run("create table t(a " + type("int") + ")");
    run("insert into t values (1)");
    const auto star = [&] {
        return get(db_->with_session<std::size_t>([](store::session& on) -> task<result<std::size_t>> {
            store::statement all{.sql = "select * from t"};
            auto rows = co_await store::run_one(on, all);
            if (!rows) co_return fail(rows.error());
            co_return rows->columns.size();
        }));
    };
    EXPECT_EQ(star().value_or(0), 1U);
    run("alter table t add column b " + type("int"));
    auto again = star();
    if (!again) {
        EXPECT_EQ(again.error().kind(), error_kind::retriable) << again.error().describe();
        again = star();
    }
    EXPECT_EQ(again.value_or(0), 2U);
}

TEST_F(database_pool, tells_its_figures) {
    metrics figures("test");
    db_.emplace(
        root_,
        database_settings{.url = here_->url(), .name = "orders", .pool_size = 1, .acquire_timeout = 2s},
        &figures);
    auto held = get(db_->begin());
    ASSERT_FALSE(get(db_->query<std::int64_t>("select 1")));
    const std::string text = figures.to_text();
    for (const std::string line :
         {R"(corvid_database_sessions{service="test",database="orders",state="lent"} 1)",
          R"(corvid_database_sessions{service="test",database="orders",state="idle"} 0)",
          R"(corvid_database_waiting{service="test",database="orders"} 0)",
          R"(corvid_database_acquire_timeouts_total{service="test",database="orders"} 1)",
          R"(corvid_database_connect_failures_total{service="test",database="orders"} 0)",
          R"(corvid_database_acquire_duration_seconds_count{service="test",database="orders"} 2)"})
        EXPECT_NE(text.find(line), std::string::npos) << line;
    EXPECT_TRUE(get(held->rollback()));
    held = fail(errc::stopped); // before its database and the figures
    db_.reset();
}

} // namespace
} // namespace corvid::test
