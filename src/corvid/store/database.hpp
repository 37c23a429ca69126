// SPDX-License-Identifier: Apache-2.0
//
// database: PostgreSQL or SQLite, by its URL: a pool of sessions and what is done with them.
//
//   corvid::database db(scheduler, {.url = "postgresql://…"});
//   unit_of_work u;   u.execute("insert into invoice(id, cents) values ($1, $2)", id, cents);
//   result<void> written = co_await db.write(std::move(u));                        // one transaction
//   auto open = co_await db.query<invoice>("select id, cents from invoice where cents > $1", 100);
//
// Connects on first use, not before. Any thread may call it. What it returns runs on the database's own loop
// when it is awaited; arguments are copied at once. Errors: pool_exhausted, database_unreachable, and what
// the database says, by the table in store/sqlstate.hpp. Nothing is tried again here.
#pragma once

#include <corvid/store/call.hpp>
#include <corvid/store/rows.hpp>
#include <corvid/store/session.hpp>
#include <corvid/store/settings.hpp>
#include <corvid/store/transaction_state.hpp>
#include <corvid/store/unit_of_work.hpp>

#include <functional>
#include <memory>

namespace corvid {

class metrics;
class transaction;

class database {
public:
    /// Starts the loop. Throws config_error for settings that cannot work. `threads` and `figures` outlive
    /// it.
    explicit database(scheduler& threads, database_settings settings, metrics* figures = nullptr);
    /// As close(), on a thread that is no loop.
    ~database();
    database(const database&) = delete;
    database& operator=(const database&) = delete;

    /// Runs what was recorded in one transaction, sent as one flight. commit_unknown when its outcome is not
    /// known: then the unit may have been written, or may be later.
    [[nodiscard]] database_call<void> write(unit_of_work unit);

    /// One statement of its own: how many rows it changed.
    template <class... Args>
    [[nodiscard]] database_call<std::int64_t> execute(std::string_view sql, const Args&... args) {
        return {home(), affected(ask(store::make_statement(sql, args...)))};
    }
    /// One query of its own, its rows as T (store/rows.hpp).
    template <class T, class... Args>
    [[nodiscard]] database_call<std::vector<T>> query(std::string_view sql, const Args&... args) {
        return {home(), typed<T>(ask(store::make_statement(sql, args...)))};
    }

    /// A transaction that asks at once and holds a session until it ends: for reading what then decides.
    [[nodiscard]] database_call<transaction> begin();
    /// As begin(), by `first`, which begins it on the session in a way of its own (store/write.hpp); its
    /// error is begin()'s, and ends the transaction.
    [[nodiscard]] database_call<transaction> begin(
        std::function<task<result<void>>(store::session&, store::transaction_state&)> first);

    /// Lends a session to `use` on the database's loop; what it leaves open is rolled back. The way in for
    /// code that needs more than the above: inbox, outbox, migrations.
    template <class T>
    [[nodiscard]] database_call<T> with_session(std::function<task<result<T>>(store::session&)> use) {
        return {home(), lend<T>(*this, std::move(use))};
    }

    /// A session beside the pool, not yet open, for what keeps one: LISTEN. On the database's loop; it goes
    /// before close().
    [[nodiscard]] std::unique_ptr<store::session> own_session();

    /// Runs `what` on the database's loop when it is awaited; close() waits for it.
    template <class T>
    [[nodiscard]] database_call<T> call(task<result<T>> what) {
        return {home(), std::move(what)};
    }

    /// Refuses new work, lets what runs finish, ends the sessions and the loop. Idempotent. On a thread that
    /// is no loop, when every transaction has been destroyed.
    void close();

    [[nodiscard]] const store::dialect& dialect() const noexcept;
    [[nodiscard]] const database_settings& settings() const noexcept;
    [[nodiscard]] scheduler& loop() noexcept;
    /// What it was made with.
    [[nodiscard]] scheduler& threads() noexcept;
    /// False while the last attempt to connect has failed: for readiness. Any thread.
    [[nodiscard]] bool reachable() const noexcept;

private:
    friend class transaction;
    class lease;

    [[nodiscard]] call_home home() noexcept;
    [[nodiscard]] task<result<store::answer>> ask(store::statement what);
    static task<result<std::int64_t>> affected(task<result<store::answer>> asked);
    static task<result<lease>> acquire(database& self);
    template <class T>
    static task<result<std::vector<T>>> typed(task<result<store::answer>> asked) {
        result<store::answer> answered = co_await std::move(asked);
        if (!answered) co_return fail(std::move(answered.error()));
        co_return store::read_rows<T>(*answered);
    }
    template <class T>
    static task<result<T>> lend(database& self, std::function<task<result<T>>(store::session&)> use);

    struct impl;
    std::unique_ptr<impl> impl_;
};

/// A session in use; goes back to its pool at the end. On the database's loop only.
class database::lease {
public:
    lease(lease&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)), slot_(other.slot_) {}
    lease& operator=(lease&&) = delete;
    ~lease();
    [[nodiscard]] store::session& operator*() const noexcept;

private:
    friend class database;
    lease(impl& owner, std::size_t slot) noexcept : owner_(&owner), slot_(slot) {}
    impl* owner_;
    std::size_t slot_;
};

template <class T>
task<result<T>> database::lend(database& self, std::function<task<result<T>>(store::session&)> use) {
    result<lease> lent = co_await acquire(self);
    if (!lent) co_return fail(std::move(lent.error()));
    co_return co_await use(**lent);
}

/// An open transaction. Move-only; one call at a time; destroying it rolls back. Any thread.
class transaction {
public:
    transaction(transaction&&) noexcept;
    transaction& operator=(transaction&&) noexcept;
    ~transaction();

    template <class... Args>
    [[nodiscard]] database_call<std::int64_t> execute(std::string_view sql, const Args&... args) {
        return {home(), database::affected(asked({store::make_statement(sql, args...)}))};
    }
    template <class T, class... Args>
    [[nodiscard]] database_call<std::vector<T>> query(std::string_view sql, const Args&... args) {
        return {home(), database::typed<T>(asked({store::make_statement(sql, args...)}))};
    }
    /// Statements sent together; the answer of the last one.
    [[nodiscard]] database_call<store::answer> ask(std::vector<store::statement> flight) {
        return {home(), asked(std::move(flight))};
    }
    /// Ends it, after what `last` has recorded, in one flight. commit_unknown as database::write; after any
    /// error nothing but rollback is possible.
    [[nodiscard]] database_call<void> commit(unit_of_work last = {});
    /// The same with a unit that stays yours, in place and alive until then.
    [[nodiscard]] database_call<void> commit_with(unit_of_work& last);
    [[nodiscard]] database_call<void> rollback();

private:
    friend class database;
    struct open;
    explicit transaction(std::shared_ptr<open> state) noexcept;
    [[nodiscard]] call_home home() const noexcept;
    [[nodiscard]] task<result<store::answer>> asked(std::vector<store::statement> flight);
    static task<result<store::answer>> ask_in(std::shared_ptr<open> state,
                                              std::vector<store::statement> flight);
    static task<result<void>> commit_in(std::shared_ptr<open> state, unit_of_work& last);
    static task<result<void>> commit_kept(std::shared_ptr<open> state, std::shared_ptr<unit_of_work> last);
    static task<result<void>> rollback_in(std::shared_ptr<open> state);
    void abandon() noexcept;

    std::shared_ptr<open> state_;
};

} // namespace corvid
