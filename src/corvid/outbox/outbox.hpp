// SPDX-License-Identifier: Apache-2.0
//
// outbox: the tables of a database in which events wait until a relay has sent them (outbox/publish.hpp tells
// how they get there, outbox/relay.hpp how they leave):
//
//   outbox            the events; insert-only, but for published_at where a relay has mark_rows
//   outbox_status     a view of them with their state: pending · published · parked
//   outbox_parked     those that no broker takes, with the reason
//   outbox_positions  where the relays are
//
// Debezium reads the same table: table.field.event.id=id, .event.key=aggregate_id, .event.payload=payload,
// .event.type=event_type, route.by.field=topic, route.topic.replacement=${routedByValue}.
#pragma once

#include <corvid/outbox/migrations.hpp>
#include <corvid/store/database.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace corvid {

/// An event that waits in outbox_parked.
struct parked_event {
    std::string id = {}, aggregate_type = {};
    std::optional<std::string> aggregate_id = {};
    std::string topic = {}, reason = {};
    bool held = false;     ///< only because an earlier event of its aggregate is parked
    bool released = false; ///< a relay will send it within a second
};

class outbox {
public:
    /// `db` outlives it.
    explicit outbox(database& db) noexcept : db_(db) {}

    /// Makes or updates the tables (store/migrate.hpp): how many steps it took.
    [[nodiscard]] database_call<int> migrate() {
        return store::migrate(db_, "outbox", outbox_detail::migrations());
    }

    /// Those that were parked first, at most so many.
    [[nodiscard]] database_call<std::vector<parked_event>> parked(std::size_t most = 100);
    /// Has a parked event sent once more, and after it those of its aggregate that are held behind it, up to
    /// the next that no broker took. One that is refused again is parked again, and holds those behind it
    /// again. How many were released: 0 where no such event is parked.
    [[nodiscard]] database_call<std::int64_t> release(std::string_view event_id);
    /// Gives a parked event up for good; those held behind it are released. How many were given up.
    [[nodiscard]] database_call<std::int64_t> discard(std::string_view event_id);

    [[nodiscard]] database& into() noexcept { return db_; }

private:
    database& db_;
};

} // namespace corvid
