// SPDX-License-Identifier: Apache-2.0
// What a relay asks and says of parked rows.
#include <corvid/outbox/outbox_rows.hpp>
#include <corvid/outbox/relay/event_cells.hpp>
#include <corvid/outbox/relay/relay_tables.hpp>

#include <iterator>

namespace corvid::outbox_detail {

namespace {

struct parked_lane {
    std::int32_t shard = 0;
    std::string aggregate_type, aggregate_id;
};
BOOST_DESCRIBE_STRUCT(parked_lane, (), (shard, aggregate_type, aggregate_id))

// A row that is held behind one that is released, or behind none any more, is released as well.
constexpr std::string_view park_sql =
    "insert into outbox_parked(seq, id, aggregate_type, aggregate_id, event_type, topic, payload, headers, "
    "created_at, reason, held, released_at) select o.seq, o.id, o.aggregate_type, o.aggregate_id, "
    "o.event_type, "
    "o.topic, o.payload, o.headers, o.created_at, $4, ($5 and true), case when $5 and coalesce((select "
    "p.released_at is not null from outbox_parked p where p.aggregate_type = o.aggregate_type and "
    "p.aggregate_id "
    "= o.aggregate_id and p.seq < o.seq order by p.seq desc limit 1), true) then {now} end from outbox o "
    "join "
    "outbox_positions r on r.shard = o.shard and r.epoch = $3 where o.shard = $1 and o.seq = $2 on conflict "
    "(seq) do nothing";
constexpr std::string_view sent_sql = "delete from outbox_parked where seq = any($1)";
constexpr std::string_view sent_sqlite =
    "delete from outbox_parked where seq in (select value from json_each($1))";
constexpr std::string_view refused_sql =
    "update outbox_parked set released_at = null, held = false, reason = $2 where seq = $1";
// Those behind it that are held wait again, up to the next that is released by itself.
constexpr std::string_view held_again_sql =
    "update outbox_parked set released_at = null where held <> false and exists (select 1 from outbox_parked "
    "r "
    "where r.seq = $1 and r.aggregate_type = outbox_parked.aggregate_type and r.aggregate_id = "
    "outbox_parked.aggregate_id and r.seq < outbox_parked.seq and not exists (select 1 from outbox_parked b "
    "where "
    "b.aggregate_type = r.aggregate_type and b.aggregate_id = r.aggregate_id and b.seq > r.seq and b.seq < "
    "outbox_parked.seq and b.held = false))";
constexpr std::string_view lanes_sql = "select distinct {shard} as shard, o.aggregate_type, o.aggregate_id "
                                       "from outbox_parked o where {mine} and "
                                       "o.aggregate_id is not null";
constexpr std::string_view released_sql =
    "select {shard} as shard, o.seq / {stride} as number, o.id, o.aggregate_type, o.aggregate_id, o.topic, "
    "o.payload, o.headers, o.created_at from outbox_parked o where o.released_at is not null and {mine} "
    "order by "
    "o.seq limit $2";

} // namespace

void parked_changes::put_back(parked_changes&& earlier) {
    const auto join = [](auto& first, auto& then) {
        first.insert(first.end(), std::make_move_iterator(then.begin()), std::make_move_iterator(then.end()));
        then = std::move(first);
    };
    join(earlier.parked, parked);
    join(earlier.sent, sent);
    join(earlier.refused, refused);
    join(earlier.left, left);
}

// What goes comes first: what is parked behind it then is behind nothing.
void relay_tables::append_parked(const parked_changes& of, flight& to) const {
    if (!is_sqlite() && !(of.parked.empty() && of.sent.empty() && of.refused.empty()))
        to.push_back({.sql = std::string(parked_gate_sql)});
    if (!of.sent.empty()) to.push_back(store::make_statement(is_sqlite() ? sent_sqlite : sent_sql, of.sent));
    for (const auto& [seq, why] : of.refused) {
        to.push_back(store::make_statement(held_again_sql, seq));
        to.push_back(store::make_statement(refused_sql, seq, why));
    }
    for (const parking& each : of.parked)
        to.push_back(store::make_statement(spoken(std::string(park_sql)), each.shard,
                                           seq_of(each.shard, each.number), each.epoch, each.reason,
                                           each.held));
}

task<result<parked_view>> relay_tables::parked(const std::vector<std::int32_t>& shards, std::int64_t limit) {
    flight asked;
    asked.push_back(store::make_statement(spoken(std::string(lanes_sql)), shards));
    asked.push_back(store::make_statement(spoken(std::string(released_sql)), shards, limit));
    auto answered = co_await writer_.run(std::move(asked));
    if (!answered) co_return fail(std::move(answered.error()));
    auto lanes = store::read_rows<parked_lane>(answered->front());
    if (!lanes) co_return fail(std::move(lanes.error()));
    read_answer rows;
    auto added = add_rows(answered->back(), static_cast<std::size_t>(limit), rows);
    if (!added) co_return fail(std::move(added.error()));
    parked_view seen{.released = std::move(rows.rows)};
    for (const parked_lane& each : *lanes)
        seen.lanes.emplace_back(each.shard, aggregate_hash(each.aggregate_type, each.aggregate_id) | 1U);
    for (const auto& row : seen.released)
        row->from_parked = true;
    co_return seen;
}

} // namespace corvid::outbox_detail
