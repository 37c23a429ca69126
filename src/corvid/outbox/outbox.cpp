// SPDX-License-Identifier: Apache-2.0
#include <corvid/outbox/outbox.hpp>

#include <corvid/outbox/outbox_rows.hpp>
#include <corvid/store/write.hpp>

namespace corvid {

BOOST_DESCRIBE_STRUCT(parked_event, (), (id, aggregate_type, aggregate_id, topic, reason, held, released))

namespace {

constexpr std::string_view parked_sql = "select id, aggregate_type, aggregate_id, topic, reason, held <> "
                                        "false as held, released_at is not null as "
                                        "released from outbox_parked order by parked_at, seq limit $1";
// What is held behind the event `$1`, up to the next that is not.
constexpr std::string_view held_behind = "exists (select 1 from outbox_parked r where r.id = $1 and "
                                         "r.aggregate_type = outbox_parked.aggregate_type "
                                         "and r.aggregate_id = outbox_parked.aggregate_id and r.seq < "
                                         "outbox_parked.seq and not exists (select 1 from "
                                         "outbox_parked b where b.aggregate_type = r.aggregate_type and "
                                         "b.aggregate_id = r.aggregate_id and b.seq > "
                                         "r.seq and b.seq <= outbox_parked.seq and b.held = false))";

std::string now_in(const store::dialect& dialect) {
    return dialect.kind == store::database_kind::sqlite
               ? "(cast((julianday('now') - 2440587.5) * 86400000000 as integer))"
               : "clock_timestamp()";
}

task<result<std::int64_t>> run_all(store::session& on, std::vector<store::statement> flight) {
    if (on.dialect().kind == store::database_kind::postgres)
        flight.insert(flight.begin(), {.sql = std::string(outbox_detail::parked_gate_sql)});
    flight.insert(flight.begin(), {.sql = std::string(on.dialect().begin)});
    flight.push_back({.sql = std::string(store::commit_sql)});
    store::flight_answer answered = co_await on.run(flight);
    if (!answered.failed) co_return answered.answers[flight.size() - 2].affected;
    if (on.alive() && on.in_transaction()) {
        const store::statement back{.sql = std::string(store::rollback_sql)};
        co_await on.run({&back, 1});
    }
    co_return fail(*std::move(answered.failed));
}

/// In one transaction; answers how many rows the last of them touched.
database_call<std::int64_t> change_parked(database& db, std::vector<store::statement> flight) {
    return db.with_session<std::int64_t>(
        [flight = std::move(flight)](store::session& on) { return run_all(on, flight); });
}

} // namespace

database_call<std::vector<parked_event>> outbox::parked(std::size_t most) {
    return db_.query<parked_event>(parked_sql, static_cast<std::int64_t>(most));
}

database_call<std::int64_t> outbox::release(std::string_view event_id) {
    return change_parked(
        db_, {store::make_statement("update outbox_parked set released_at = " + now_in(db_.dialect()) +
                                        " where id = $1 or " + std::string(held_behind),
                                    event_id)});
}

database_call<std::int64_t> outbox::discard(std::string_view event_id) {
    return change_parked(
        db_, {store::make_statement("update outbox_parked set released_at = " + now_in(db_.dialect()) +
                                        " where " + std::string(held_behind),
                                    event_id),
              store::make_statement("delete from outbox_parked where id = $1", event_id)});
}

} // namespace corvid
