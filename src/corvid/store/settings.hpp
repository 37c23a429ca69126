// SPDX-License-Identifier: Apache-2.0
//
// database_settings: where the database is and how its sessions are used.
#pragma once

#include <corvid/base/backoff.hpp>
#include <corvid/base/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace corvid {

/// SQLite only. `full`: a commit is on the disk before it is answered. `normal` may lose the last commits
/// when power fails, and with them marks: effects may then happen twice.
enum class sqlite_sync : std::uint8_t { full, normal };

struct database_settings {
    /// `postgresql://user:password@host:port/name?…` (any libpq parameter), `sqlite:path/to/file.db`, or
    /// `sqlite::memory:` (one session, gone when it closes). Shown nowhere: it may hold a password.
    std::string url = {};
    std::string name = "database";                        ///< of its loop and in metrics and errors
    std::size_t pool_size = 4;                            ///< sessions, 1 … 1000
    std::chrono::milliseconds acquire_timeout{5'000};     ///< longest wait for a free session
    std::chrono::milliseconds connect_timeout{5'000};     ///< of one attempt
    std::chrono::milliseconds statement_deadline{10'000}; ///< of what is sent together
    std::chrono::milliseconds lock_timeout{5'000};        ///< longest wait for another transaction's lock
    /// PostgreSQL ends a session whose transaction is open while a handler does other things (it asks, or is
    /// a batch's) for so long: what a host held that died, or a program that stands still, is free again
    /// then. Any other transaction that stands still is over after 5 s.
    std::chrono::milliseconds transaction_idle_timeout{60'000};
    std::chrono::milliseconds validate_after{30'000}; ///< a session idle for longer is asked before use
    exponential reconnect = {.first = std::chrono::milliseconds{100}, .cap = std::chrono::seconds{5}};
    std::size_t statement_cache = 256; ///< prepared statements a session keeps
    sqlite_sync synchronous = sqlite_sync::full;
    std::uint64_t seed = 0; ///< of the back-off; 0: from the system
};

[[nodiscard]] inline bool is_sqlite(const database_settings& settings) noexcept {
    return settings.url.starts_with("sqlite:");
}

/// errc::invalid_setting or conflicting_settings, naming the fields.
[[nodiscard]] result<void> validate(const database_settings& settings);

} // namespace corvid
