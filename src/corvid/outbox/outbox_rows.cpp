// SPDX-License-Identifier: Apache-2.0
#include <corvid/outbox/outbox_rows.hpp>

#include <algorithm>
#include <array>

namespace corvid::outbox_detail {

namespace {

// The transaction's number comes first: whoever draws a seq has one by then (docs/decisions/0016).
constexpr std::string_view enter_sql =
    "select pg_current_xact_id()::text, pg_advisory_xact_lock_shared('outbox'::regclass::oid::int4, 0)";
constexpr std::string_view enter_alone_sql =
    "select pg_current_xact_id()::text, pg_advisory_xact_lock('outbox'::regclass::oid::int4, 0)";
constexpr std::string_view lock_many_sql =
    "select pg_advisory_xact_lock('outbox'::regclass::oid::int4, h) from unnest($1::int4[]) as h";
// As most transactions write, all in one: the server does less for it than for three, or for a set of one. A
// materialized `gate` is there, in the order of its columns, before a number is drawn.
constexpr std::string_view gate_sql = "with gate as materialized (select pg_current_xact_id() as xid, "
                                      "pg_advisory_xact_lock_shared('outbox'::regclass::oid::int4, 0)";
constexpr std::string_view gate_lock_sql = ", pg_advisory_xact_lock('outbox'::regclass::oid::int4, $9)";
constexpr std::string_view insert_one_sql =
    ") insert into outbox(seq, shard, id, aggregate_type, aggregate_id, event_type, topic, payload, headers) "
    "select nextval(('outbox_seq_' || $1::int4)::regclass), $1::int4, $2::text, $3::text, $4::text, "
    "$5::text, $6::text, $7::bytea, $8::text from gate where xid is not null";
constexpr std::string_view insert_many_sql =
    "insert into outbox(seq, shard, id, aggregate_type, aggregate_id, event_type, topic, payload, headers) "
    "select nextval(('outbox_seq_' || e.shard)::regclass), e.shard, e.id, e.aggregate_type, e.aggregate_id, "
    "e.event_type, e.topic, e.payload, e.headers "
    "from (select * from unnest($1::int4[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], "
    "$7::bytea[], $8::text[]) with ordinality as u(shard, id, aggregate_type, aggregate_id, event_type, "
    "topic, payload, headers, n) order by n) as e";
constexpr std::string_view insert_sqlite =
    "insert into outbox(id, aggregate_type, aggregate_id, event_type, topic, payload, headers) "
    "values ($1, $2, $3, $4, $5, $6, $7)";

store::sql_value bytes_of(const std::optional<std::string>& payload) {
    return payload ? store::sql_value{store::sql_bytes{*payload}} : store::sql_value{};
}

store::sql_value text_of(const std::optional<std::string>& text) {
    return text ? store::sql_value{*text} : store::sql_value{};
}

void lock(std::span<const event_row* const> rows, std::vector<store::statement>& into) {
    std::vector<std::int32_t> locks;
    for (const event_row* row : rows)
        if (const auto its = place_of(*row).lock) locks.push_back(*its);
    std::ranges::sort(locks);
    locks.erase(std::ranges::unique(locks).begin(), locks.end());
    const bool alone = locks.size() > max_locks;
    into.push_back({.sql = std::string(alone ? enter_alone_sql : enter_sql)});
    if (alone || locks.empty()) return;
    into.push_back(store::make_statement(lock_many_sql, locks));
}

std::array<store::sql_value, 8> cells_of(const event_row& row) {
    return {store::sql_value{static_cast<std::int64_t>(place_of(row).shard)},
            store::sql_value{row.id},
            store::sql_value{row.aggregate_type},
            text_of(row.aggregate_id),
            store::sql_value{row.event_type},
            store::sql_value{row.topic},
            bytes_of(row.payload),
            store::sql_value{row.headers}};
}

store::statement insert_one(const event_row& row) {
    const auto its = place_of(row).lock;
    store::statement made{.sql = std::string(gate_sql) + std::string(its ? gate_lock_sql : "") +
                                 std::string(insert_one_sql)};
    made.parameters.reserve(9);
    for (store::sql_value& each : cells_of(row))
        made.parameters.push_back({std::move(each)});
    if (its) made.parameters.emplace_back().held = std::int64_t{*its};
    return made;
}

store::statement insert_many(std::span<const event_row* const> rows) {
    std::array<store::sql_array, 8> columns;
    for (store::sql_array& each : columns)
        each.items.reserve(rows.size());
    for (const event_row* row : rows) {
        std::array<store::sql_value, 8> cells = cells_of(*row);
        for (std::size_t i = 0; i < cells.size(); ++i)
            columns[i].items.push_back(std::move(cells[i]));
    }
    store::statement made{.sql = std::string(insert_many_sql)};
    for (store::sql_array& each : columns)
        made.parameters.push_back({std::move(each)});
    return made;
}

} // namespace

std::uint64_t aggregate_hash(std::string_view type, std::string_view id) noexcept {
    std::uint64_t sum = 0xcbf29ce484222325U;
    const auto add = [&sum](unsigned char c) { sum = (sum ^ c) * 0x100000001b3U; };
    for (const char c : type)
        add(static_cast<unsigned char>(c));
    add(0);
    for (const char c : id)
        add(static_cast<unsigned char>(c));
    sum = (sum ^ (sum >> 33U)) * 0xff51afd7ed558ccdU;
    return sum ^ (sum >> 33U);
}

row_place place_of(const event_row& row) noexcept {
    const std::uint64_t hash = aggregate_hash(row.aggregate_type, row.aggregate_id.value_or(row.id));
    const auto shard = static_cast<std::int32_t>((hash >> 32U) % postgres_shards);
    if (!row.aggregate_id) return {shard, std::nullopt};
    const auto lock = static_cast<std::int32_t>(hash); // 0 is the gate's
    return {shard, lock == 0 ? 1 : lock};
}

void append_inserts(std::span<const event_row* const> rows, const store::dialect& dialect,
                    std::vector<store::statement>& into) {
    if (rows.empty()) return;
    if (dialect.kind == store::database_kind::postgres) {
        if (rows.size() == 1) return into.push_back(insert_one(*rows.front()));
        lock(rows, into);
        return into.push_back(insert_many(rows));
    }
    for (const event_row* row : rows)
        into.push_back({.sql = std::string(insert_sqlite),
                        .parameters = {{row->id},
                                       {row->aggregate_type},
                                       text_of(row->aggregate_id),
                                       {row->event_type},
                                       {row->topic},
                                       bytes_of(row->payload),
                                       {row->headers}}});
}

} // namespace corvid::outbox_detail
