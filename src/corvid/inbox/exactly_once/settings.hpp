// SPDX-License-Identifier: Apache-2.0
//
// exactly_once: a subscription whose handlers record into a unit_of_work, each event's effect in the database
// once:
//
//   service.on<order_placed>("billing",
//       [](const order_placed& o, corvid::context&, corvid::unit_of_work& db) { db.execute(…); },
//       {.exactly_once = corvid::in(database)});
//
// What is promised: the SQL effects of an event are there exactly once, together with its mark, and those of
// a key in the order of its records; no offset is committed before its effects are. What is not: the handler
// may run more than once for an event, so what it does beside SQL may happen more than once too: it goes
// through the outbox (publish), which is SQL, or is declared, by `may_duplicate`.
//
// A handler that ends in retry or dead_letter, or throws, has no effect; one that says skip leaves its mark
// alone, a dead letter too, once it is durable (replay it with an id of its own). A statement that the
// database refuses costs its own record alone: constraint violations and the like make it a dead letter, what
// may pass is tried again. While the database is away records wait, for as long as it takes, and no attempt
// is counted.
//
// Two marks. By event id, the default: guards against producers that repeat, too; a row an event, for
// `retention`. By offset, `corvid::in(database, corvid::by_offset)`: a row a partition, and no table that
// grows; guards against redelivery alone. The effects of a partition are applied in the order of its offsets,
// so a record in back-off holds its partition; reading begins at the row where there is one, and a row
// outside of the log stops its partition: an error that says what to do, never a jump. Not with fan_out,
// retry_topics or park_key, whose records have no place of their own in that order.
//
// By event id an event is known by its id (context::event_id) within its group, whichever topic it comes by.
// Of several handlers for one record (fan_out) each has a mark of its own, `<event id>#<place in the list>`.
#pragma once

#include <corvid/inbox/effect.hpp>
#include <corvid/store/database.hpp>

#include <chrono>
#include <string>

namespace corvid {

enum class effect_mark : std::uint8_t { by_event_id, by_offset };
inline constexpr effect_mark by_event_id = effect_mark::by_event_id;
inline constexpr effect_mark by_offset = effect_mark::by_offset;

struct exactly_once_settings {
    database* into = nullptr; ///< outlives the service's stop()
    effect_mark by = by_event_id;
    // By event id:
    std::chrono::seconds retention = std::chrono::days{7}; ///< how long a mark is kept at least
    /// How long after its effect an event may still come again (inbox_settings). 0: not known.
    std::chrono::seconds redelivery_window{0};
    bool allow_short_retention = false; ///< below redelivery_window
    /// What the subscription's handler does beside that, and may do more than once: "the call to the bank".
    /// Told in the log at the start.
    std::string may_duplicate = {};
    writer_settings writer = {};
};

/// The effects go there. Subscriptions of one group that name one database and one mark share a writer: their
/// settings are those of the first.
[[nodiscard]] inline exactly_once_settings in(database& db, exactly_once_settings how = {}) {
    how.into = &db;
    return how;
}
[[nodiscard]] inline exactly_once_settings in(database& db, effect_mark by, exactly_once_settings how = {}) {
    how.by = by;
    return in(db, how);
}

} // namespace corvid
