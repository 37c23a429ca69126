// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "database_under_test.hpp"
#include <corvid/base/sleep.hpp>
#include <corvid/service/threaded_scheduler.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace corvid::test {

/// A test with a database that is empty. Calls are made from a loop of the test's own, as a handler would.
class database_test : public testing::Test {
protected:
    database_test() : client_(root_.run_thread("test", [](scheduler&) {})) {}

    /// The pool under test: two sessions and short times, changed by `change`.
    database& open(const std::function<void(database_settings&)>& change = [](database_settings&) {}) {
        database_settings settings{
            .url = here_->url(),
            .pool_size = 2,
            .statement_deadline = std::chrono::seconds{10},
            .reconnect = {.first = std::chrono::milliseconds{10}, .cap = std::chrono::milliseconds{100}},
            .seed = 7};
        change(settings);
        db_.emplace(root_, settings);
        return *db_;
    }

    template <class T>
    T on_loop(task<T> what) {
        return wait_for(root_, client_->loop(), std::move(what));
    }
    template <class T>
    result<T> get(database_call<T>&& call) {
        struct steps {
            static task<result<T>> run(database_call<T>& c) { co_return co_await c; }
        };
        return on_loop(steps::run(call));
    }

    /// Looks again and again, and leaves what it looks for the time to happen.
    template <class F>
    bool until(F what, duration patience = std::chrono::seconds{30}) {
        const auto end = root_.steady_now() + patience;
        for (signal never; root_.steady_now() < end;
             (void)root_.wait(never, root_.steady_now() + std::chrono::milliseconds{5}))
            if (what()) return true;
        return false;
    }

    /// A statement that must succeed.
    template <class... Args>
    std::int64_t run(const std::string& sql, const Args&... args) {
        auto changed = get(db_->execute(sql, args...));
        EXPECT_TRUE(changed) << sql << ": " << (changed ? "" : changed.error().describe());
        return changed.value_or(-1);
    }
    template <class T, class... Args>
    std::vector<T> read(const std::string& sql, const Args&... args) {
        auto rows = get(db_->query<T>(sql, args...));
        EXPECT_TRUE(rows) << sql << ": " << (rows ? "" : rows.error().describe());
        return rows ? *std::move(rows) : std::vector<T>{};
    }
    /// The error of a statement that must fail.
    template <class... Args>
    error refused(const std::string& sql, const Args&... args) {
        auto changed = get(db_->execute(sql, args...));
        EXPECT_FALSE(changed) << sql;
        return changed ? error(errc::invalid_argument) : changed.error();
    }
    [[nodiscard]] std::string type(const std::string& name) const { return here_->type(name); }
    [[nodiscard]] bool postgres() const { return here_->url().starts_with("postgresql:"); }

    std::string here_url_; // where a test goes another way
    std::unique_ptr<database_under_test> here_ = make_database_under_test();
    threaded_scheduler root_;
    std::unique_ptr<loop_thread> client_;
    std::optional<database> db_;
};

} // namespace corvid::test
