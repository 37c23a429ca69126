// SPDX-License-Identifier: Apache-2.0
#include <corvid/outbox/relay/relay_tables.hpp>

#include <corvid/outbox/outbox_rows.hpp>
#include <corvid/outbox/relay/event_cells.hpp>
#include <corvid/outbox/relay/number_ranges.hpp>
#include <corvid/store/write.hpp>

#include <algorithm>
#include <limits>

namespace corvid::outbox_detail {

namespace {

struct claim_line {
    std::int32_t shard = 0;
    std::string owner;
    bool expired = false;
};
BOOST_DESCRIBE_STRUCT(claim_line, (), (shard, owner, expired))
struct taken_line {
    std::int32_t shard = 0;
    std::int64_t epoch = 0, reached = 0;
    std::string missing;
};
BOOST_DESCRIBE_STRUCT(taken_line, (), (shard, epoch, reached, missing))
struct saved_line {
    std::int32_t shard = 0;
    std::int64_t xid = 0;
};
BOOST_DESCRIBE_STRUCT(saved_line, (), (shard, xid))
struct pending_line {
    std::int64_t count = 0;
    std::optional<std::chrono::sys_time<std::chrono::milliseconds>> oldest;
};
BOOST_DESCRIBE_STRUCT(pending_line, (), (count, oldest))

// {now}, {later $n}: the server's clock, and $n seconds after it.
constexpr std::string_view live_sql = "insert into outbox_relays(name, lives_until) values ($1, {later $2}) "
                                      "on conflict (name) do update set lives_until = excluded.lives_until";
constexpr std::string_view bury_sql = "delete from outbox_relays where lives_until < {now}";
constexpr std::string_view claims_sql =
    "select shard, coalesce(owner, '') as owner, coalesce(lease_until < {now}, owner is null) as expired "
    "from outbox_positions order by shard";
constexpr std::string_view take_sql =
    "update outbox_positions set owner = $1, epoch = epoch + 1, lease_until = {later $2} "
    "where shard = $3 and (owner is null or owner = $1 or lease_until < {now}) returning shard, epoch, "
    "reached, missing";
constexpr std::string_view give_sql =
    "update outbox_positions set owner = null, lease_until = null where shard = $1 and epoch = $2";
constexpr std::string_view save_many_sql =
    "update outbox_positions r set reached = s.reached, frontier = s.frontier, missing = s.missing, "
    "saved_at = {now}, lease_until = {later $6} from unnest($1::int4[], $2::int8[], $3::int8[], $4::int8[], "
    "$5::text[]) as s(shard, epoch, reached, frontier, missing) where r.shard = s.shard and r.epoch = "
    "s.epoch "
    "returning r.shard, pg_current_xact_id()::text::int8 as xid";
constexpr std::string_view save_one_sql =
    "update outbox_positions set reached = $3, frontier = $4, missing = $5, saved_at = {now}, "
    "lease_until = {later $6} where shard = $1 and epoch = $2 returning shard, 0 as xid";
constexpr std::string_view mark_many_sql =
    "update outbox set published_at = {now} from unnest($1::int8[]) as m(seq) "
    "where outbox.shard = m.seq % 8 and outbox.seq = m.seq";
constexpr std::string_view mark_one_sql =
    "update outbox set published_at = {now} where seq in (select value from json_each($1))";

// A look is planned once, by the key, whatever the parts held then: to plan it costs more than to run it.
constexpr std::string_view read_first_sql =
    "select set_config('plan_cache_mode', 'force_generic_plan', false), "
    "set_config('enable_seqscan', 'off', false), set_config('enable_bitmapscan', 'off', false), "
    "set_config('enable_sort', 'off', false), set_config('jit', 'off', false)";
constexpr std::string_view read_above_sql =
    "select o.* from unnest($1::int4[], $2::int8[]) as s(shard, above) cross join lateral (select {columns} "
    "from outbox o where o.shard = s.shard and o.seq >= s.above order by o.seq limit $3) o";
constexpr std::string_view read_gaps_sql =
    "select o.* from unnest($4::int4[], $5::int8[], $6::int8[]) as g(shard, first, behind) cross join "
    "lateral "
    "(select {columns} from outbox o where o.shard = g.shard and o.seq >= g.first and o.seq < g.behind "
    "order by o.seq limit $3) o";
constexpr std::string_view read_above_sqlite =
    "select {columns} from outbox o where o.seq >= $1 order by o.seq limit $2";
constexpr std::string_view read_gaps_sqlite =
    "select {columns} from json_each($3) g join outbox o on o.seq >= json_extract(g.value, '$[0]') "
    "and o.seq < json_extract(g.value, '$[1]') order by o.seq limit $2";

constexpr std::string_view delete_sql =
    "delete from outbox where seq in (select o.seq from outbox o, outbox_positions r where r.shard = o.shard "
    "and o.seq < r.frontier and o.created_at < {now} - $1 order by o.seq limit 500)";
// The newest row of each shard is old, and the position is above it.
constexpr std::string_view done_part_sql =
    "select exists (select from outbox_{part}) and not exists (select from outbox_positions r cross join "
    "lateral (select o.seq, o.created_at from outbox_{part} o where o.shard = r.shard order by o.seq desc "
    "limit 1) l where l.seq >= r.frontier * 8 or l.created_at > {now} - make_interval(secs => $1))";
constexpr std::string_view pending_sql =
    "select count(*) as count, min(created_at) as oldest from (select o.created_at from unnest($1::int4[]) "
    "as s(shard) join outbox_positions r on r.shard = s.shard cross join lateral (select created_at from "
    "outbox o where o.shard = r.shard and o.seq >= r.reached * 8 order by o.seq limit 100000) o) p";
constexpr std::string_view pending_sqlite =
    "select count(*) as count, min(created_at) as oldest from (select created_at from outbox where seq >= "
    "(select reached from outbox_positions) and $1 is not null order by seq limit 100000)";

void replace_all(std::string& in, std::string_view what, std::string_view by) {
    for (std::size_t at = in.find(what); at != std::string::npos; at = in.find(what, at + by.size()))
        in.replace(at, what.size(), by);
}

double seconds_of(std::chrono::milliseconds time) { return std::chrono::duration<double>(time).count(); }

} // namespace

relay_tables::relay_tables(database& db)
    : reader_(db, read_first_sql),
      writer_(db),
      stride_(db.dialect().kind == store::database_kind::sqlite ? 1 : postgres_shards) {}

std::string relay_tables::spoken(std::string sql) const {
    constexpr std::string_view sqlite_now = "(cast((julianday('now') - 2440587.5) * 86400000000 as integer))";
    replace_all(sql, "{columns}", event_columns);
    replace_all(sql, "{stride}", std::to_string(stride_));
    replace_all(sql, "{shard}", is_sqlite() ? "0" : "o.seq % 8");
    replace_all(sql, "{mine}", is_sqlite() ? "$1 is not null" : "o.seq % 8 = any($1)");
    replace_all(sql, "{now}", is_sqlite() ? sqlite_now : "clock_timestamp()");
    for (std::size_t at = sql.find("{later "); at != std::string::npos; at = sql.find("{later ")) {
        const std::size_t end = sql.find('}', at);
        const std::string value = sql.substr(at + 7, end - at - 7);
        sql.replace(at, end - at + 1,
                    is_sqlite() ? std::string(sqlite_now) + " + cast(" + value + " * 1000000 as integer)"
                                : "clock_timestamp() + make_interval(secs => " + value + ")");
    }
    return sql;
}

task<result<share_view>> relay_tables::look(const std::string& name, std::chrono::milliseconds lease) {
    flight asked;
    asked.push_back(store::make_statement(spoken(std::string(live_sql)), name, seconds_of(lease)));
    asked.push_back({.sql = spoken(std::string(bury_sql))});
    asked.push_back({.sql = "select name from outbox_relays"});
    asked.push_back({.sql = spoken(std::string(claims_sql))});
    auto answered = co_await writer_.run(std::move(asked));
    if (!answered) co_return fail(std::move(answered.error()));
    auto names = store::read_rows<std::string>((*answered)[2]);
    auto claims = store::read_rows<claim_line>((*answered)[3]);
    if (!names) co_return fail(std::move(names.error()));
    if (!claims) co_return fail(std::move(claims.error()));
    share_view view{.shards = {}, .relays = *std::move(names)};
    std::ranges::sort(view.relays);
    for (claim_line& each : *claims)
        view.shards.push_back({.shard = each.shard, .owner = std::move(each.owner), .expired = each.expired});
    co_return view;
}

task<result<std::vector<taken_shard>>> relay_tables::take(const std::string& name,
                                                          std::chrono::milliseconds lease,
                                                          const std::vector<std::int32_t>& shards) {
    flight asked;
    for (const std::int32_t each : shards)
        asked.push_back(store::make_statement(spoken(std::string(take_sql)), name, seconds_of(lease), each));
    auto answered = co_await writer_.run(std::move(asked));
    if (!answered) co_return fail(std::move(answered.error()));
    std::vector<taken_shard> taken;
    for (const store::answer& each : *answered) {
        auto lines = store::read_rows<taken_line>(each);
        if (!lines) co_return fail(std::move(lines.error()));
        for (const taken_line& line : *lines) {
            auto missing = parse_ranges(line.missing);
            if (!missing) co_return fail(std::move(missing.error()));
            taken.push_back({line.shard, line.epoch, line.reached, *std::move(missing)});
        }
    }
    co_return taken;
}

task<result<void>> relay_tables::give(std::int32_t shard, std::int64_t epoch) {
    flight asked;
    asked.push_back(store::make_statement(give_sql, shard, epoch));
    auto answered = co_await writer_.run(std::move(asked));
    if (!answered) co_return fail(std::move(answered.error()));
    co_return result<void>{};
}

task<result<void>> relay_tables::leave(const std::string& name) {
    flight asked;
    asked.push_back(store::make_statement("delete from outbox_relays where name = $1", name));
    auto answered = co_await writer_.run(std::move(asked));
    if (!answered) co_return fail(std::move(answered.error()));
    co_return result<void>{};
}

store::statement relay_tables::read_sql(const std::vector<read_wish>& wishes, std::int64_t limit) const {
    std::vector<std::int32_t> shards, gap_shards;
    std::vector<std::int64_t> above, first, behind;
    for (const read_wish& each : wishes) {
        shards.push_back(each.shard);
        above.push_back(each.above * stride_);
        for (const number_range& gap : each.gaps) {
            gap_shards.push_back(each.shard);
            first.push_back(gap.from * stride_);
            behind.push_back(gap.to * stride_);
        }
    }
    const bool gaps = !gap_shards.empty();
    if (is_sqlite()) {
        if (!gaps) return store::make_statement(spoken(std::string(read_above_sqlite)), above.front(), limit);
        const std::string both = "select * from (" + std::string(read_above_sqlite) +
                                 ") union all select * from (" + std::string(read_gaps_sqlite) + ")";
        return store::make_statement(spoken(both), above.front(), limit, ranges_text(wishes.front().gaps));
    }
    if (!gaps) return store::make_statement(spoken(std::string(read_above_sql)), shards, above, limit);
    const std::string both = std::string(read_above_sql) + " union all " + std::string(read_gaps_sql);
    return store::make_statement(spoken(both), shards, above, limit, gap_shards, first, behind);
}

// xmin first: every transaction below it has ended before the rows are looked for.
task<result<read_answer>> relay_tables::read(const std::vector<read_wish>& wishes, std::int64_t limit) {
    flight asked;
    if (!is_sqlite()) asked.push_back({.sql = "select pg_snapshot_xmin(pg_current_snapshot())::text::int8"});
    asked.push_back(read_sql(wishes, limit));
    auto answered = co_await reader_.run(std::move(asked));
    if (!answered) co_return fail(std::move(answered.error()));
    read_answer got{.xmin = std::numeric_limits<std::uint64_t>::max(), .rows = {}};
    if (!is_sqlite()) {
        auto xmin = store::read_rows<std::int64_t>(answered->front());
        if (!xmin) co_return fail(std::move(xmin.error()));
        got.xmin = static_cast<std::uint64_t>(xmin->front());
    }
    auto added = add_rows(answered->back(), static_cast<std::size_t>(limit), got);
    if (!added) co_return fail(std::move(added.error()));
    co_return got;
}

task<result<save_answer>> relay_tables::save(const std::vector<save_wish>& wishes,
                                             std::chrono::milliseconds lease, const parked_changes& parked,
                                             const std::vector<std::int64_t>& published) {
    flight asked;
    append_parked(parked, asked);
    if (!published.empty())
        asked.push_back(store::make_statement(spoken(std::string(is_sqlite() ? mark_one_sql : mark_many_sql)),
                                              published));
    std::vector<std::int32_t> shards;
    std::vector<std::int64_t> epochs, reached, frontiers;
    std::vector<std::string> missing;
    for (const save_wish& each : wishes) {
        shards.push_back(each.shard);
        epochs.push_back(each.epoch);
        reached.push_back(each.reached);
        frontiers.push_back(each.frontier);
        missing.push_back(ranges_text(each.missing));
    }
    const double time = seconds_of(lease);
    if (is_sqlite())
        asked.push_back(store::make_statement(spoken(std::string(save_one_sql)), shards.front(),
                                              epochs.front(), reached.front(), frontiers.front(),
                                              missing.front(), time));
    else
        asked.push_back(store::make_statement(spoken(std::string(save_many_sql)), shards, epochs, reached,
                                              frontiers, missing, time));
    auto answered = co_await writer_.run(std::move(asked), true);
    if (!answered) co_return fail(std::move(answered.error()));
    auto lines = store::read_rows<saved_line>((*answered)[answered->size() - 2]);
    if (!lines) co_return fail(std::move(lines.error()));
    save_answer saved;
    for (const saved_line& each : *lines) {
        saved.shards.push_back(each.shard);
        saved.xid = static_cast<std::uint64_t>(each.xid);
    }
    co_return saved;
}

task<result<bool>> relay_tables::shed(std::chrono::seconds retention) {
    if (is_sqlite()) {
        flight asked;
        asked.push_back(
            store::make_statement(spoken(std::string(delete_sql)), retention.count() * 1'000'000));
        auto answered = co_await writer_.run(std::move(asked));
        if (!answered) co_return fail(std::move(answered.error()));
        co_return answered->front().affected > 0;
    }
    for (int part = 0; part < 8; ++part) {
        auto shed = co_await shed_part(part, retention);
        if (!shed) co_return fail(std::move(shed.error()));
    }
    co_return false;
}

// Looked at twice: first without a lock, so that nobody waits in vain; then under one that no transaction
// with rows in the part can pass.
task<result<bool>> relay_tables::shed_part(int part, std::chrono::seconds retention) {
    std::string question = spoken(std::string(done_part_sql));
    replace_all(question, "{part}", std::to_string(part));
    replace_all(question, "$1", std::to_string(retention.count()));
    const std::string name = "outbox_" + std::to_string(part);
    flight asked;
    asked.push_back({.sql = question});
    auto looked = co_await writer_.run(std::move(asked));
    if (!looked) co_return fail(std::move(looked.error()));
    auto done = store::read_rows<bool>(looked->front());
    if (!done) co_return fail(std::move(done.error()));
    if (!done->front()) co_return false;
    asked.clear();
    asked.push_back({.sql = "set local lock_timeout = '200ms'"});
    asked.push_back({.sql = "lock table " + name + " in access exclusive mode"});
    asked.push_back({.sql = "do $$ begin if (" + question + ") then truncate " + name + "; end if; end $$"});
    auto shed = co_await writer_.run(std::move(asked), true);
    if (!shed) co_return fail(std::move(shed.error()));
    co_return true;
}

task<result<pending_view>> relay_tables::pending(const std::vector<std::int32_t>& shards) {
    flight asked;
    asked.push_back(store::make_statement(is_sqlite() ? pending_sqlite : pending_sql, shards));
    auto answered = co_await writer_.run(std::move(asked));
    if (!answered) co_return fail(std::move(answered.error()));
    auto lines = store::read_rows<pending_line>(answered->front());
    if (!lines) co_return fail(std::move(lines.error()));
    co_return pending_view{lines->front().count, lines->front().oldest};
}

} // namespace corvid::outbox_detail
