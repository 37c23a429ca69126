// SPDX-License-Identifier: Apache-2.0
// SQLite on a simulated scheduler: waiting for locks and sessions takes no real time.
#include <corvid/base/simulation.hpp>
#include <corvid/store/database.hpp>

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

namespace corvid {
namespace {

using namespace std::chrono_literals;

class sqlite_in_simulation : public testing::Test {
public:
    sqlite_in_simulation() {
        std::string pattern = (std::filesystem::temp_directory_path() / "corvid-sqlite.XXXXXX").string();
        directory_ = mkdtemp(pattern.data());
    }
    ~sqlite_in_simulation() override { std::filesystem::remove_all(directory_); }

protected:
    database_settings settings() const {
        return {.url = "sqlite:" + (directory_ / "state.db").string(), .pool_size = 2, .seed = 1};
    }
    template <class T>
    result<T> get(database_call<T>&& call) {
        struct steps {
            static task<result<T>> run(database_call<T>& c) { co_return co_await c; }
        };
        return wait_for<result<T>>(sim_, sim_, steps::run(call));
    }

    std::filesystem::path directory_;
    simulation sim_{1};
};

TEST_F(sqlite_in_simulation, a_writer_waits_for_another_one_without_blocking_the_loop_they_share) {
    database db(sim_, settings());
    ASSERT_TRUE(get(db.execute("create table t(id integer primary key)")));
    auto first = get(db.begin());
    ASSERT_TRUE(first);
    ASSERT_TRUE(get(first->execute("insert into t values (1)")));
    const auto began = sim_.steady_now();
    const auto second = get(db.execute("insert into t values (2)"));
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().sqlstate(), "55P03");
    EXPECT_EQ(second.error().kind(), error_kind::retriable);
    EXPECT_GE(sim_.steady_now() - began, db.settings().lock_timeout);
    ASSERT_TRUE(get(first->commit()));
    EXPECT_TRUE(get(db.execute("insert into t values (2)")));
}

TEST_F(sqlite_in_simulation, a_file_that_cannot_be_is_fatal_at_once) {
    database_settings bad = settings();
    bad.url = "sqlite:" + (directory_ / "no/such/place.db").string();
    database db(sim_, bad);
    const auto refused = get(db.query<std::int64_t>("select 1"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind(), error_kind::fatal);
    EXPECT_FALSE(db.reachable());
}

TEST_F(sqlite_in_simulation, memory_is_one_session_that_all_share_in_turn) {
    database_settings memory = settings();
    memory.url = "sqlite::memory:";
    database db(sim_, memory);
    EXPECT_EQ(db.settings().pool_size, 1U);
    ASSERT_TRUE(get(db.execute("create table t(id integer primary key)")));
    EXPECT_EQ(get(db.execute("insert into t values ($1), ($2)", 1, 2)).value_or(0), 2);
}

TEST_F(sqlite_in_simulation, commits_reach_the_disk_and_wal_is_on) {
    database db(sim_, settings());
    const auto pragma = [&](const std::string& sql) {
        return get(db.query<store::sql_value>(sql)).value_or(std::vector<store::sql_value>{});
    };
    EXPECT_EQ(pragma("pragma journal_mode"), std::vector<store::sql_value>{{std::string("wal")}});
    EXPECT_EQ(pragma("pragma synchronous"), std::vector<store::sql_value>{{std::int64_t{2}}});
    EXPECT_EQ(pragma("pragma foreign_keys"), std::vector<store::sql_value>{{std::int64_t{1}}});
}

} // namespace
} // namespace corvid
