// SPDX-License-Identifier: Apache-2.0
//
// session: the seam that a database implements: one connection to it. Everything above (transactions, pool,
// migrations, inbox, outbox) is written once on this. Lives on the loop of its database, like all who use it;
// one call at a time. Users hold corvid::database instead.
#pragma once

#include <corvid/base/task.hpp>
#include <corvid/store/statement.hpp>

#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace corvid::store {

enum class database_kind : std::uint8_t { postgres, sqlite };

/// What is said differently.
struct dialect {
    database_kind kind;
    std::string_view begin; ///< of a transaction that will write
};
inline constexpr dialect postgres_dialect{database_kind::postgres, "begin isolation level read committed"};
inline constexpr dialect sqlite_dialect{database_kind::sqlite, "begin immediate"};
inline constexpr std::string_view commit_sql = "commit";
inline constexpr std::string_view rollback_sql = "rollback";

struct flight_answer {
    std::vector<answer> answers = {}; ///< of the statements up to the first that failed
    std::optional<error> failed = {}; ///< of the statement after those; none: all succeeded
    bool lost = false;                ///< the session is gone
    bool unsure = false; ///< all was sent, then the session went without a word: the rest may have run
};

/// The server ended the session in answer to the statement that failed (57P01 and the like).
[[nodiscard]] bool ended_by_server(const flight_answer& answer);

/// What a server says without being asked; on the session's loop.
class session_listener {
public:
    /// A NOTIFY on a channel that the session listens to.
    virtual void notified() noexcept = 0;
    /// The session is gone: of no more use.
    virtual void ended() noexcept = 0;

protected:
    ~session_listener() = default;
};

/// Who lends sessions and can do something on another one of them, later.
class session_lender {
public:
    /// NOTIFY on `channel` soon, at most one in 5 ms; it may be lost: whoever listens looks now and then,
    /// too. Does nothing on SQLite.
    virtual void notify(std::string_view channel) noexcept = 0;

protected:
    ~session_lender() = default;
};

class session {
public:
    virtual ~session() = default;

    /// Connects and prepares the session. Errors: database_unreachable, or database_refused where waiting
    /// will not help.
    virtual task<result<void>> open() = 0;

    /// Runs the statements in order, sent together, up to the first that fails; `flight` stays alive until
    /// then. Within `statement_deadline`, else the session is lost. No transaction of its own: without
    /// `begin` it is undefined how much of a flight that failed has taken effect.
    virtual task<flight_answer> run(std::span<const statement> flight) = 0;

    /// Several commands as one text, without parameters: for migrations. However long the server takes.
    virtual task<result<void>> script(std::string sql) = 0;

    /// False once it is of no more use: it is closed then, not lent again.
    [[nodiscard]] virtual bool alive() const noexcept = 0;
    [[nodiscard]] virtual bool in_transaction() const noexcept = 0;
    [[nodiscard]] virtual const store::dialect& dialect() const noexcept = 0;
    /// What begins a transaction between whose flights its program does other things: PostgreSQL ends others
    /// soon when nothing is asked.
    [[nodiscard]] virtual std::vector<statement> begin_held() const {
        return {{.sql = std::string(dialect().begin)}};
    }

    /// Who hears what the server says unasked; null: nobody. Outlives the session. SQLite says nothing.
    virtual void tell(session_listener* /*to*/) noexcept {}
    /// Null for a session that nobody lent.
    [[nodiscard]] session_lender* lender() const noexcept { return lender_; }
    void lent_by(session_lender& who) noexcept { lender_ = &who; }

private:
    session_lender* lender_ = nullptr;
};

/// One statement's answer, in a transaction of its own: commit_unknown where it may have run.
[[nodiscard]] task<result<answer>> run_one(session& on, statement what);

} // namespace corvid::store
