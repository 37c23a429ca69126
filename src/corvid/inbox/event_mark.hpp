// SPDX-License-Identifier: Apache-2.0
//
// event_mark: by what an event is known that must have its effect once: an id within a consumer group, and
// where it came from. A row of the table processed_events.
#pragma once

#include <corvid/base/result.hpp>
#include <corvid/store/session.hpp>

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace corvid {

struct event_mark {
    std::string
        id; ///< header idempotency_key, else ce_id, else `<topic>-<partition>-<offset>` (context::event_id)
    std::string group; ///< who has processed it: the same event has one effect in each group
    std::optional<std::string> topic = {};
    std::optional<std::int32_t> partition = {};
    std::optional<std::int64_t> offset = {};
    std::optional<std::string> event_type = {};
    std::optional<std::string> correlation_id = {};

    static constexpr std::size_t max_bytes =
        1'000; ///< of id and group: what an index of PostgreSQL takes safely
};

namespace inbox_detail {

/// statement_rejected for an id or group that is empty, longer than max_bytes, not UTF-8, or has a NUL: the
/// record's own fault, on every database alike.
[[nodiscard]] result<void> validate(const event_mark& mark);

/// Inserts one mark and returns its id if it is new.
[[nodiscard]] store::statement mark_one(const event_mark& mark);

/// Inserts marks of one group, and returns those ids that are new. On PostgreSQL one statement, in the order
/// of the ids, so that two writers never wait for one another in a circle; on SQLite one each.
[[nodiscard]] std::vector<store::statement> mark_all(std::span<const event_mark* const> marks,
                                                     const store::dialect& dialect);

} // namespace inbox_detail
} // namespace corvid
