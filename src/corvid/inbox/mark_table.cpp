// SPDX-License-Identifier: Apache-2.0
#include <corvid/inbox/mark_table.hpp>

#include <corvid/store/write.hpp>

#include <algorithm>
#include <array>
#include <iterator>

namespace corvid::inbox_detail {

namespace {

constexpr std::string_view columns =
    "(event_id, consumer_group, topic, partition, \"offset\", event_type, correlation_id";

constexpr std::string_view key_taken = "23505";

// The arrays are opened in a select's list, which streams them; `from unnest(a, b, …)` stores each first.
std::string insert_into(int part, std::optional<int> probed) {
    std::string sql =
        "insert into processed_events_" + std::to_string(part) + std::string(columns) +
        ") select u.i, $1::text, u.t, u.p, u.o, u.e, u.c from (select unnest($2::text[]) i, "
        "unnest($3::text[]) "
        "t, unnest($4::int[]) p, unnest($5::bigint[]) o, unnest($6::text[]) e, unnest($7::text[]) c) u";
    if (probed)
        sql += " where not exists (select from processed_events_" + std::to_string(*probed) +
               " old where old.consumer_group = $1 and old.event_id = u.i)";
    return sql;
}

// What is said of a part, made once.
struct part_sql {
    std::string hopeful;  ///< tells how many it wrote, fails where a mark is in the part
    std::string careful;  ///< tells which were new
    std::string unprobed; ///< the same, whatever is in the part before
};

const part_sql& sql_of(int part) {
    static const std::array<part_sql, mark_parts::count> made = [] {
        constexpr std::string_view looking = " on conflict do nothing returning event_id";
        std::array<part_sql, mark_parts::count> all;
        for (int p = 0; p < mark_parts::count; ++p) {
            const std::string probing = insert_into(p, (p + 2) % 3);
            all[static_cast<std::size_t>(p)] = {.hopeful = probing,
                                                .careful = probing + std::string(looking),
                                                .unprobed =
                                                    insert_into(p, std::nullopt) + std::string(looking)};
        }
        return all;
    }();
    return made[static_cast<std::size_t>(part)];
}

template <class Member>
store::sql_value column(std::span<const event_mark* const> marks, Member event_mark::* member) {
    store::sql_array array;
    array.items.reserve(marks.size());
    for (const event_mark* each : marks)
        array.items.push_back(store::sql_codec<Member>::to_sql(each->*member));
    return {std::move(array)};
}

std::vector<store::sql_value> columns_of(std::span<const event_mark* const> marks) {
    return {{marks.front()->group},
            column(marks, &event_mark::id),
            column(marks, &event_mark::topic),
            column(marks, &event_mark::partition),
            column(marks, &event_mark::offset),
            column(marks, &event_mark::event_type),
            column(marks, &event_mark::correlation_id)};
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

marking mark_table::mark(std::span<const event_mark* const> marks, bool carefully) {
    marking made{.turn = turn_};
    if (marks.empty()) return made;
    mark_list sorted(marks.begin(), marks.end());
    std::ranges::sort(sorted, {}, &event_mark::id);
    if (sqlite_) {
        made.statements.reserve(sorted.size());
        const wall_time now = loop_.wall_now();
        for (const event_mark* each : sorted)
            made.statements.push_back(on_sqlite(*each, now));
        return made;
    }
    const mark_parts parts(turn_);
    mark_list looked_for;
    const bool hopes = !parts.doubled() && !carefully && optimism_.may_hope();
    for (const event_mark* each : sorted)
        (optimism_.seems_new(each->id) && hopes ? made.hoped : looked_for).push_back(each);
    if (!made.hoped.empty())
        made.statements.push_back(
            {.sql = sql_of(parts.written().front()).hopeful, .parameters = columns_of(made.hoped)});
    if (!looked_for.empty()) {
        const auto parameters = columns_of(looked_for);
        for (const int part : parts.written())
            made.statements.push_back({.sql = parts.doubled() ? sql_of(part).unprobed : sql_of(part).careful,
                                       .parameters = parameters});
    }
    made.statements.push_back({.sql = "select turn from processed_events_turn"});
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

std::optional<fresh_ids> mark_table::fresh(const marking& asked, std::span<const store::answer> answers) {
    fresh_ids ids;
    if (answers.empty()) return ids;
    if (sqlite_) {
        for (const store::answer& each : answers)
            collect(each, ids);
        return ids;
    }
    const std::int64_t now = std::get<std::int64_t>(answers.back().at(0, 0).held);
    turn_ = std::max(turn_, now);
    if (now != asked.turn) return std::nullopt;
    answers = answers.first(answers.size() - 1);
    if (!asked.hoped.empty()) {
        if (answers.front().affected != static_cast<std::int64_t>(asked.hoped.size())) {
            optimism_.refuted();
            return std::nullopt;
        }
        optimism_.confirmed();
        for (const event_mark* each : asked.hoped)
            ids.insert(each->id);
        answers = answers.subspan(1);
    }
    if (answers.empty()) return ids;
    collect(answers.front(), ids);
    if (answers.size() < 2) return ids;
    fresh_ids second;
    collect(answers[1], second);
    std::erase_if(ids, [&](const std::string& id) { return !second.contains(id); });
    return ids;
}

bool mark_table::was_refuted(const marking& asked, const error& why) noexcept {
    if (asked.hoped.empty() || why.sqlstate() != key_taken) return false;
    optimism_.refuted();
    return true;
}

task<result<fresh_ids>> begin_marked(store::session& on, store::transaction_state& state,
                                     std::vector<store::statement> opening, mark_table& table,
                                     std::span<const event_mark* const> marks) {
    for (bool carefully = false;; carefully = true) {
        marking asked = table.mark(marks, carefully);
        std::vector<store::statement> flight = opening;
        std::ranges::move(asked.statements, std::back_inserter(flight));
        if (auto allowed = state.sending(true, false); !allowed) co_return fail(std::move(allowed.error()));
        const store::flight_answer answered = co_await on.run(flight);
        if (auto fine = state.answered(answered); !fine) {
            co_await store::roll_back(on, state);
            if (!table.was_refuted(asked, fine.error())) co_return fail(std::move(fine.error()));
        } else {
            auto fresh = table.fresh(asked, std::span(answered.answers).subspan(opening.size()));
            if (fresh) co_return *std::move(fresh);
            co_await store::roll_back(on, state);
        }
        state = {};
    }
}

} // namespace corvid::inbox_detail
