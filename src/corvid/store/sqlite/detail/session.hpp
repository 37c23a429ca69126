// SPDX-License-Identifier: Apache-2.0
//
// The session of SQLite. Its calls block the loop they run on, which is the database's own. Internal.
#pragma once

#include <corvid/store/session.hpp>
#include <corvid/store/settings.hpp>

#include <memory>

namespace corvid::store {

/// `settings` outlives it.
[[nodiscard]] std::unique_ptr<session> make_sqlite_session(scheduler& loop,
                                                           const database_settings& settings);

} // namespace corvid::store
