// SPDX-License-Identifier: Apache-2.0
//
// enlist: writes a unit of work within a transaction of yours, on your own libpq connection.
//
//   PQexec(mine, "begin"); …
//   unit_of_work u;  u.execute("insert into …", id);
//   corvid::store::write_on(mine, u);                     // now, in your transaction
//   … PQexec(mine, "commit");
//
// Blocks the calling thread, one round trip or more a statement: nothing is gathered, and what a hook writes
// last (locks of an outbox) is held from here until you commit: call it shortly before. After an error
// PostgreSQL takes nothing but ROLLBACK. Hooks do not hear of your commit. `mine` is neither non-blocking nor
// in pipeline mode, has client_encoding UTF8, no command under way, and is used by one thread at a time.
#pragma once

#include <corvid/store/unit_of_work.hpp>

/// libpq's PGconn.
struct pg_conn;

namespace corvid::store {

/// errc::invalid_argument if the connection is not as above, transaction_over if no transaction is open.
[[nodiscard]] result<void> write_on(pg_conn* mine, unit_of_work& unit);

/// One statement and its rows, in your transaction or outside of one.
[[nodiscard]] result<answer> run_on(pg_conn* mine, const statement& what);

} // namespace corvid::store
