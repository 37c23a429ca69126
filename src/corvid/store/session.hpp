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

    /// Several commands as one text, without parameters: for migrations.
    virtual task<result<void>> script(std::string sql) = 0;

    /// False once it is of no more use: it is closed then, not lent again.
    [[nodiscard]] virtual bool alive() const noexcept = 0;
    [[nodiscard]] virtual bool in_transaction() const noexcept = 0;
    [[nodiscard]] virtual const store::dialect& dialect() const noexcept = 0;
};

/// One statement's answer, in a transaction of its own: commit_unknown where it may have run.
[[nodiscard]] task<result<answer>> run_one(session& on, statement what);

} // namespace corvid::store
