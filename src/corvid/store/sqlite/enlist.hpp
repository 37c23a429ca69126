// SPDX-License-Identifier: Apache-2.0
//
// enlist: writes a unit of work within a transaction of yours, on your own sqlite3 handle.
//
//   sqlite3_exec(mine, "begin immediate", …); …
//   unit_of_work u;  u.execute("insert into …", id);
//   corvid::store::write_on(mine, u);                     // now, in your transaction
//   … sqlite3_exec(mine, "commit", …);
//
// Blocks the calling thread. After an error roll back: some statements may have run. Hooks do not hear of
// your commit. Use `begin immediate`: a transaction that begins by reading may be refused when it comes to
// write. Turn `foreign_keys` and `synchronous=full` on yourself. The handle is used by one thread at a time.
#pragma once

#include <corvid/store/unit_of_work.hpp>

struct sqlite3;

namespace corvid::store {

/// errc::transaction_over if no transaction is open.
[[nodiscard]] result<void> write_on(sqlite3* mine, unit_of_work& unit);

/// One statement and its rows, in your transaction or outside of one.
[[nodiscard]] result<answer> run_on(sqlite3* mine, const statement& what);

} // namespace corvid::store
