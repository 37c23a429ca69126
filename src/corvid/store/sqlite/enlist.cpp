// SPDX-License-Identifier: Apache-2.0
#include <corvid/store/sqlite/enlist.hpp>

#include <corvid/store/sqlite/detail/handle.hpp>

namespace corvid::store {

result<answer> run_on(sqlite3* mine, const statement& what) {
    sqlite3_extended_result_codes(mine, 1);
    sqlite::statement_cache once(1);
    const auto prepared = once.get(mine, what.sql);
    if (!prepared) return fail(prepared.error());
    return sqlite::run(mine, *prepared, what);
}

result<void> write_on(sqlite3* mine, unit_of_work& unit) {
    if (sqlite3_get_autocommit(mine) != 0)
        return fail(errc::transaction_over, {.message = "no transaction is open on the enlisted handle",
                                             .hint = "begin immediate before, and commit after",
                                             .operation = "enlist a handle"});
    std::vector<statement> all(unit.recorded().begin(), unit.recorded().end());
    unit_of_work* const one = &unit;
    run_before_commit({&one, 1}, sqlite_dialect, all);
    for (const statement& each : all)
        if (auto ran = run_on(mine, each); !ran) return fail(std::move(ran.error()));
    return {};
}

} // namespace corvid::store
