// SPDX-License-Identifier: Apache-2.0
#include <corvid/store/sqlite/detail/session.hpp>

#include <corvid/base/sleep.hpp>
#include <corvid/store/sqlite/detail/handle.hpp>
#include <corvid/store/sqlstate.hpp>

namespace corvid::store {

namespace {

struct close_handle {
    void operator()(sqlite3* db) const noexcept { sqlite3_close_v2(db); }
};

class sqlite_session final : public session {
public:
    sqlite_session(scheduler& loop, const database_settings& settings)
        : loop_(loop), settings_(settings), cache_(settings.statement_cache) {}
    ~sqlite_session() override { cache_.clear(); }

    task<result<void>> open() override;
    task<flight_answer> run(std::span<const statement> flight) override;
    task<result<void>> script(std::string sql) override;
    [[nodiscard]] bool alive() const noexcept override { return db_ != nullptr; }
    [[nodiscard]] bool in_transaction() const noexcept override {
        return db_ && sqlite3_get_autocommit(db_.get()) == 0;
    }
    [[nodiscard]] const store::dialect& dialect() const noexcept override { return sqlite_dialect; }

private:
    task<result<answer>> run_patiently(const statement& what);
    result<answer> run_once(const statement& what);
    void set_deadline() { deadline_ = loop_.steady_now() + settings_.statement_deadline; }
    static int check_deadline(void* self) noexcept {
        const auto& mine = *static_cast<const sqlite_session*>(self);
        return mine.loop_.steady_now() >= mine.deadline_ ? 1 : 0;
    }

    static constexpr int steps_between_looks = 20'000;
    static constexpr std::chrono::milliseconds pause{2};

    scheduler& loop_;
    const database_settings& settings_;
    std::unique_ptr<sqlite3, close_handle> db_;
    sqlite::statement_cache cache_;
    steady_time deadline_{};
};

task<result<void>> sqlite_session::open() {
    const std::string file = settings_.url.substr(std::string_view("sqlite:").size());
    sqlite3* made = nullptr;
    const int code = sqlite3_open_v2(
        file.c_str(), &made, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
    db_.reset(made);
    if (code != SQLITE_OK) {
        error why = made ? sqlite::last_error(made, "open") : database_error("53200", "no memory", "open");
        db_.reset();
        co_return fail(std::move(why));
    }
    sqlite3_extended_result_codes(made, 1);
    sqlite3_progress_handler(made, steps_between_looks, &check_deadline, this);
    const bool full = settings_.synchronous == sqlite_sync::full;
    for (const char* pragma :
         {"pragma journal_mode=wal", full ? "pragma synchronous=full" : "pragma synchronous=normal",
          "pragma foreign_keys=on"}) {
        statement set{.sql = pragma};
        const flight_answer answered = co_await run({&set, 1});
        if (!answered.failed) continue;
        db_.reset();
        co_return fail(*answered.failed);
    }
    co_return result<void>{};
}

result<answer> sqlite_session::run_once(const statement& what) {
    if (what.sql == rollback_sql && !in_transaction()) return answer{}; // SQLite has rolled back by itself
    auto prepared = cache_.get(db_.get(), what.sql);
    if (!prepared) return fail(std::move(prepared.error()));
    return sqlite::run(db_.get(), *prepared, what);
}

// Another writer, of this process or another, is never waited for inside SQLite: it may need this very loop.
task<result<answer>> sqlite_session::run_patiently(const statement& what) {
    const steady_time until = loop_.steady_now() + settings_.lock_timeout;
    result<answer> answered = run_once(what);
    while (!answered && sqlite::is_busy(answered.error()) && loop_.steady_now() < until) {
        co_await sleep(pause);
        answered = run_once(what);
    }
    co_return answered;
}

task<flight_answer> sqlite_session::run(std::span<const statement> flight) {
    flight_answer out;
    set_deadline();
    for (const statement& each : flight) {
        result<answer> answered = run_once(each);
        if (!answered && sqlite::is_busy(answered.error())) answered = co_await run_patiently(each);
        if (!answered) {
            out.failed = std::move(answered.error());
            break;
        }
        out.answers.push_back(*std::move(answered));
    }
    co_return out;
}

task<result<void>> sqlite_session::script(std::string sql) {
    set_deadline();
    if (sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
        co_return fail(sqlite::last_error(db_.get(), "script"));
    co_return result<void>{};
}

} // namespace

std::unique_ptr<session> make_sqlite_session(scheduler& loop, const database_settings& settings) {
    return std::make_unique<sqlite_session>(loop, settings);
}

} // namespace corvid::store
