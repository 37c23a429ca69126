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

namespace corvid {

class outbox {
public:
    /// `db` outlives it.
    explicit outbox(database& db) noexcept : db_(db) {}

    /// Makes or updates the tables (store/migrate.hpp): how many steps it took.
    [[nodiscard]] database_call<int> migrate() {
        return store::migrate(db_, "outbox", outbox_detail::migrations());
    }
    [[nodiscard]] database& into() noexcept { return db_; }

private:
    database& db_;
};

} // namespace corvid
