// SPDX-License-Identifier: Apache-2.0
#include <corvid/inbox/mark_table.hpp>

#include <corvid/store/write.hpp>

#include <algorithm>
#include <array>

namespace corvid::inbox_detail {

namespace {

constexpr std::string_view columns =
    "(event_id, consumer_group, topic, partition, \"offset\", event_type, correlation_id";

// A statement for each part and each part looked into, made once.
std::string insert_into(int part, std::optional<int> probed) {
    std::string sql = "insert into processed_events_" + std::to_string(part) + std::string(columns) +
                      ") select u.i, $1::text, u.t, u.p, u.o, u.e, u.c from unnest($2::text[], $3::text[], "
                      "$4::int[], $5::bigint[], $6::text[], $7::text[]) u(i, t, p, o, e, c)";
    if (probed)
        sql += " where not exists (select from processed_events_" + std::to_string(*probed) +
               " old where old.consumer_group = $1 and old.event_id = u.i)";
    return sql + " on conflict do nothing returning event_id";
}

std::string_view cached_insert(int part, std::optional<int> probed) {
    static const std::array<std::string, 2 * mark_parts::count> made = [] {
        std::array<std::string, 2 * mark_parts::count> all;
        for (int p = 0; p < mark_parts::count; ++p) {
            const auto place = 2 * static_cast<std::size_t>(p);
            all[place] = insert_into(p, std::nullopt);
            all[place + 1] = insert_into(p, (p + 2) % 3);
        }
        return all;
    }();
    return made[2 * static_cast<std::size_t>(part) + (probed ? 1 : 0)];
}

template <class Member>
store::sql_value column(std::span<const event_mark* const> marks, Member event_mark::* member) {
    store::sql_array array;
    array.items.reserve(marks.size());
    for (const event_mark* each : marks)
        array.items.push_back(store::sql_codec<Member>::to_sql(each->*member));
    return {std::move(array)};
}

std::vector<store::statement> on_postgres(std::span<const event_mark* const> marks, mark_parts parts) {
    std::vector<store::statement> made;
    const std::vector<store::sql_value> parameters{{marks.front()->group},
                                                   column(marks, &event_mark::id),
                                                   column(marks, &event_mark::topic),
                                                   column(marks, &event_mark::partition),
                                                   column(marks, &event_mark::offset),
                                                   column(marks, &event_mark::event_type),
                                                   column(marks, &event_mark::correlation_id)};
    for (const int part : parts.written())
        made.push_back({.sql = std::string(cached_insert(part, parts.probed())), .parameters = parameters});
    made.push_back({.sql = "select turn from processed_events_turn"});
    return made;
}

store::statement on_sqlite(const event_mark& m, wall_time now) {
    static const std::string sql =
        "insert into processed_events" + std::string(columns) +
        ", processed_at) values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing returning event_id";
    return store::make_statement(sql, m.id, m.group, m.topic, m.partition, m.offset, m.event_type,
                                 m.correlation_id, std::chrono::floor<std::chrono::microseconds>(now));
}

void collect(const store::answer& from, fresh_ids& into) {
    for (const store::sql_value& id : from.cells)
        into.insert(std::get<std::string>(id.held));
}

} // namespace

std::vector<store::statement> mark_table::marking(std::span<const event_mark* const> marks) const {
    if (marks.empty()) return {};
    std::vector<const event_mark*> sorted(marks.begin(), marks.end());
    std::ranges::sort(sorted, {}, &event_mark::id);
    if (!sqlite_) return on_postgres(sorted, mark_parts(turn_));
    std::vector<store::statement> made;
    made.reserve(sorted.size());
    const wall_time now = loop_.wall_now();
    for (const event_mark* each : sorted)
        made.push_back(on_sqlite(*each, now));
    return made;
}

std::vector<store::statement> mark_table::unmarking(const std::string& group,
                                                    const std::vector<std::string>& ids) const {
    if (!sqlite_) // whichever part they are in
        return {store::make_statement(
            "delete from processed_events where consumer_group = $1 and event_id = any($2::text[])", group,
            ids)};
    std::vector<store::statement> made;
    for (const std::string& id : ids)
        made.push_back(store::make_statement(
            "delete from processed_events where consumer_group = $1 and event_id = $2", group, id));
    return made;
}

std::optional<fresh_ids> mark_table::fresh(std::int64_t built_for, std::span<const store::answer> answers) {
    fresh_ids ids;
    if (answers.empty()) return ids;
    if (sqlite_) {
        for (const store::answer& each : answers)
            collect(each, ids);
        return ids;
    }
    const std::int64_t now = std::get<std::int64_t>(answers.back().at(0, 0).held);
    turn_ = std::max(turn_, now);
    if (now != built_for) return std::nullopt;
    collect(answers.front(), ids);
    if (answers.size() < 3) return ids;
    fresh_ids second;
    collect(answers[1], second);
    std::erase_if(ids, [&](const std::string& id) { return !second.contains(id); });
    return ids;
}

task<result<fresh_ids>> begin_marked(store::session& on, store::transaction_state& state,
                                     std::vector<store::statement> opening, mark_table& table,
                                     std::span<const event_mark* const> marks) {
    for (;;) {
        const std::int64_t turn = table.turn();
        std::vector<store::statement> flight = table.marking(marks);
        flight.insert(flight.begin(), opening.begin(), opening.end());
        if (auto allowed = state.sending(true, false); !allowed) co_return fail(std::move(allowed.error()));
        const store::flight_answer answered = co_await on.run(flight);
        if (auto fine = state.answered(answered); !fine) {
            co_await store::roll_back(on, state);
            co_return fail(std::move(fine.error()));
        }
        auto fresh = table.fresh(turn, std::span(answered.answers).subspan(opening.size()));
        if (fresh) co_return *std::move(fresh);
        co_await store::roll_back(on, state);
        state = {};
    }
}

} // namespace corvid::inbox_detail
