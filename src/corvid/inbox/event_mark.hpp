// SPDX-License-Identifier: Apache-2.0
//
// event_mark: by what an event is known that must have its effect once: an id within a consumer group, and
// where it came from. A row of the table processed_events.
#pragma once

#include <corvid/base/result.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace corvid {

struct event_mark {
    /// Header idempotency_key, else ce_id, else `<topic>-<partition>-<offset>` (context::event_id).
    /// Time-ordered ids (UUIDv7) are the quickest.
    std::string id = {};
    std::string group = {}; ///< who has processed it: the same event has one effect in each group
    std::optional<std::string> topic = {};
    std::optional<std::int32_t> partition = {};
    std::optional<std::int64_t> offset = {};
    std::optional<std::string> event_type = {};
    std::optional<std::string> correlation_id = {};

    /// Of id and group: what an index of PostgreSQL takes safely.
    static constexpr std::size_t max_bytes = 1'000;
};

enum class processing : std::uint8_t {
    processed,         ///< its effect is in the database, by this call
    already_processed, ///< its effect was there before
};

/// statement_rejected for an id or group that is empty, longer than max_bytes, not UTF-8, or has a NUL: the
/// record's own fault, on every database alike.
[[nodiscard]] result<void> validate(const event_mark& mark);

} // namespace corvid
