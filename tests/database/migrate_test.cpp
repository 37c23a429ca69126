// SPDX-License-Identifier: Apache-2.0
#include "harness.hpp"
#include <corvid/inbox/inbox.hpp>
#include <corvid/outbox/outbox.hpp>
#include <corvid/store/migrate.hpp>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace corvid::test {
namespace {

using store::migration;

class database_migrations : public database_test {
protected:
    database_migrations() { open(); }

    static migration step(int number, std::string_view sql) { return {number, "a step", sql, sql}; }
    result<int> apply(std::span<const migration> steps) { return get(store::migrate(*db_, "orders", steps)); }

    std::array<migration, 2> steps_{
        step(1, "create table a(id bigint primary key); insert into a values (1);"),
        step(2, "insert into a values (2); create table b(id bigint primary key)")};
};

TEST_F(database_migrations, run_once_and_in_their_order) {
    EXPECT_EQ(apply(std::span(steps_).first(1)).value_or(-1), 1);
    EXPECT_EQ(apply(steps_).value_or(-1), 1);
    EXPECT_EQ(apply(steps_).value_or(-1), 0);
    EXPECT_EQ(apply(std::span(steps_).first(1)).value_or(-1), 0); // an older program beside a newer one
    EXPECT_EQ(read<std::int64_t>("select id from a order by id"), (std::vector<std::int64_t>{1, 2}));
    EXPECT_EQ(read<std::int64_t>("select id from b"), std::vector<std::int64_t>{});
}

TEST_F(database_migrations, take_as_long_as_they_take) {
    if (!postgres()) return;
    open(
        [](database_settings& s) { s.statement_deadline = s.lock_timeout = std::chrono::milliseconds{200}; });
    const std::array slow{step(1, "select pg_sleep(1.5); create table a(id bigint primary key)")};
    EXPECT_EQ(apply(slow).value_or(-1), 1);
    EXPECT_EQ(refused("select pg_sleep(10)").sqlstate(), "57014") << "others have their deadline again";
}

TEST_F(database_migrations, of_two_components_do_not_meet) {
    const std::array other{step(1, "create table c(id bigint primary key)")};
    EXPECT_EQ(apply(steps_).value_or(-1), 2);
    EXPECT_EQ(get(store::migrate(*db_, "billing", other)).value_or(-1), 1);
}

TEST_F(database_migrations, that_fail_leave_nothing_and_say_which_step) {
    const std::array bad{steps_[0],
                         step(2, "create table b(id bigint primary key); insert into a values (1)")};
    const auto applied = apply(bad);
    ASSERT_FALSE(applied);
    EXPECT_EQ(applied.error().code(), errc::migration_failed);
    EXPECT_NE(applied.error().message().find("orders, step 2"), std::string_view::npos);
    ASSERT_NE(applied.error().cause(), nullptr);
    EXPECT_EQ(applied.error().cause()->sqlstate(), "23505");
    EXPECT_EQ(refused("insert into b values (1)").kind(), error_kind::fatal);
    EXPECT_EQ(apply(steps_).value_or(-1), 1);
}

TEST_F(database_migrations, whose_text_was_edited_later_are_refused) {
    ASSERT_EQ(apply(steps_).value_or(-1), 2);
    const std::array edited{step(1, "create table a(id text primary key)")};
    const auto applied = apply(edited);
    ASSERT_FALSE(applied);
    EXPECT_EQ(applied.error().code(), errc::migration_failed);
}

TEST_F(database_migrations, of_many_programs_that_start_at_once_run_once) {
    struct steps {
        static task<void> run(database& db, std::span<const migration> all, int& applied,
                              std::string& failures) {
            auto call = store::migrate(db, "orders", all);
            auto outcome = co_await call;
            if (outcome)
                applied += *outcome;
            else
                failures += outcome.error().describe() + '\n';
        }
    };
    constexpr std::size_t programs = 8;
    std::array<std::optional<database>, programs> pools;
    int applied = 0;
    std::string failures;
    task_scope scope;
    for (auto& pool : pools) {
        pool.emplace(root_, db_->settings());
        scope.spawn(client_->loop(), steps::run(*pool, steps_, applied, failures));
    }
    scope.wait(root_);
    EXPECT_EQ(failures, "");
    EXPECT_EQ(applied, 2);
}

/// The SQL files that are installed for a tool of the user's.
std::vector<std::string> files_of(const std::string& component, bool postgres) {
    const auto folder =
        std::filesystem::path(CORVID_MODULES) / component / "migrations" / (postgres ? "postgres" : "sqlite");
    std::vector<std::filesystem::path> names;
    for (const auto& each : std::filesystem::directory_iterator(folder))
        names.push_back(each.path());
    std::ranges::sort(names);
    std::vector<std::string> all;
    for (const auto& each : names) {
        std::ifstream file(each);
        all.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    return all;
}

task<result<int>> run_script(store::session& on, std::string text) {
    auto ran = co_await on.script(std::move(text));
    if (!ran) co_return fail(std::move(ran.error()));
    co_return 0;
}

TEST_F(database_migrations, that_a_tool_of_the_users_applied_are_found_done) {
    for (const char* component : {"inbox", "outbox"})
        for (const std::string& text : files_of(component, postgres())) {
            const auto ran =
                get(db_->with_session<int>([&](store::session& on) { return run_script(on, text); }));
            ASSERT_TRUE(ran) << ran.error().describe() << "\n" << text;
        }
    run("create table effect(id text not null)");
    inbox box(*db_, {.group = "billing"});
    EXPECT_EQ(get(box.migrate()).value_or(-1), 0);
    outbox events(*db_);
    EXPECT_EQ(get(events.migrate()).value_or(-1), 0);
    for (int times = 0; times < 2; ++times)
        ASSERT_TRUE(on_loop(box.process_if_new("first", [](unit_of_work& unit) {
            unit.execute("insert into effect(id) values ($1)", "first");
        })));
    EXPECT_EQ(read<std::string>("select id from effect"), std::vector<std::string>{"first"});
}

} // namespace
} // namespace corvid::test
