// SPDX-License-Identifier: Apache-2.0
#include <corvid/inbox/event_mark.hpp>

#include <corvid/store/identifier.hpp>

#include <algorithm>

namespace corvid::inbox_detail {

namespace {

result<void> validate_text(std::string_view text, std::string_view what) {
    const char* why = text.empty()                                ? "is empty"
                      : text.size() > event_mark::max_bytes       ? "has more than 1000 bytes"
                      : text.find('\0') != std::string_view::npos ? "holds a NUL"
                      : !store::is_utf8(text)                     ? "is not UTF-8"
                                                                  : nullptr;
    if (!why) return {};
    return fail(errc::statement_rejected, {.message = "the " + std::string(what) + ' ' + why,
                                           .hint = "look at the producer's header idempotency_key or ce_id",
                                           .operation = "mark an event"});
}

constexpr std::string_view columns =
    "(event_id, consumer_group, topic, partition, \"offset\", event_type, correlation_id)";

} // namespace

result<void> validate(const event_mark& mark) {
    if (auto id = validate_text(mark.id, "event id"); !id) return id;
    return validate_text(mark.group, "consumer group");
}

store::statement mark_one(const event_mark& m) {
    return store::make_statement(
        "insert into processed_events" + std::string(columns) +
            " values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing returning event_id",
        m.id, m.group, m.topic, m.partition, m.offset, m.event_type, m.correlation_id);
}

std::vector<store::statement> mark_all(std::span<const event_mark* const> marks,
                                       const store::dialect& dialect) {
    std::vector<const event_mark*> sorted(marks.begin(), marks.end());
    std::ranges::sort(sorted, {}, &event_mark::id);
    std::vector<store::statement> made;
    if (dialect.kind == store::database_kind::sqlite) {
        for (const event_mark* each : sorted)
            made.push_back(mark_one(*each));
        return made;
    }
    const auto column = [&](auto member) {
        store::sql_array array;
        for (const event_mark* each : sorted)
            array.items.push_back(
                store::sql_codec<std::remove_cvref_t<decltype(each->*member)>>::to_sql(each->*member));
        return store::sql_value{std::move(array)};
    };
    made.push_back(
        {.sql =
             "insert into processed_events" + std::string(columns) +
             " select * from unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::bigint[], $6::text[], "
             "$7::text[]) on conflict do nothing returning event_id",
         .parameters = {column(&event_mark::id), column(&event_mark::group), column(&event_mark::topic),
                        column(&event_mark::partition), column(&event_mark::offset),
                        column(&event_mark::event_type), column(&event_mark::correlation_id)}});
    return made;
}

} // namespace corvid::inbox_detail
