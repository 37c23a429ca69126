// SPDX-License-Identifier: Apache-2.0
//
// outbox_rows: the statements that write events as the last of a transaction, and where an aggregate belongs.
// Pure. Internal.
#pragma once

#include <corvid/store/session.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace corvid::outbox_detail {

struct event_row {
    std::string id = {}, aggregate_type = {};
    std::optional<std::string> aggregate_id = {};
    std::string event_type = {}, topic = {};
    std::optional<std::string> payload = {};
    std::string headers = {}; ///< a JSON object of texts
};

inline constexpr std::int32_t postgres_shards = 8;
/// Above that many a transaction closes the gate instead of taking locks: the server's table of locks is
/// finite.
inline constexpr std::size_t max_locks = 64;

/// Before events are parked, released or discarded, on PostgreSQL: each must see what the others have done.
inline constexpr std::string_view parked_gate_sql =
    "select pg_advisory_xact_lock('outbox_parked'::regclass::oid::int4, 0)";

/// The same in every version and on every machine: it says which rows may be written at once.
[[nodiscard]] std::uint64_t aggregate_hash(std::string_view type, std::string_view id) noexcept;

struct row_place {
    std::int32_t shard;
    std::optional<std::int32_t> lock; ///< none: of no aggregate
};
[[nodiscard]] row_place place_of(const event_row& row) noexcept;

/// Nothing for no rows. Must be the last before COMMIT.
void append_inserts(std::span<const event_row* const> rows, const store::dialect& dialect,
                    std::vector<store::statement>& into);

} // namespace corvid::outbox_detail
