// SPDX-License-Identifier: Apache-2.0
//
// migrate: brings a component's tables up to date, by numbered steps that each run once a database. Safe when
// many processes start at the same time: one does it, the others wait and find it done. Each step is one
// transaction together with its row in corvid_migrations: what failed has left nothing.
//
// The same texts are installed as SQL files (share/corvid/migrations/COMPONENT/{postgres,sqlite}) for those
// who apply them with a tool of their own, each as one transaction and in their order. Each notes at its end
// that it was applied, so that a service finds it done, and needs no right to create tables: SELECT on
// corvid_migrations is enough of it.
#pragma once

#include <corvid/store/database.hpp>

#include <span>
#include <string_view>

namespace corvid::store {

struct migration {
    int number;                ///< 1, 2, 3, … without gaps
    std::string_view name;     ///< for people
    std::string_view postgres; ///< SQL, several commands allowed, without begin and commit
    std::string_view sqlite;
};

/// Applies the steps of `component` that the database does not have, in their order, and answers how many.
/// Errors: migration_failed with its cause; also where a step that was applied has another text now. Steps
/// that the database has beyond those given are a newer program's and are left alone. `steps` live until it
/// has completed.
[[nodiscard]] database_call<int> migrate(database& db, std::string_view component,
                                         std::span<const migration> steps);

} // namespace corvid::store
