// SPDX-License-Identifier: Apache-2.0
#include <corvid/inbox/by_offset/offset_mark.hpp>

namespace corvid {

namespace {

error_details subject(const partition_mark& of, std::int64_t offset) {
    return {.topic = of.topic, .partition = of.partition, .offset = offset};
}

task<result<std::optional<std::int64_t>>> read_on(store::session& on, store::statement what) {
    auto answered = co_await store::run_one(on, std::move(what));
    if (!answered) co_return fail(std::move(answered.error()));
    auto rows = store::read_rows<std::int64_t>(*answered);
    if (!rows) co_return fail(std::move(rows.error()));
    if (rows->empty()) co_return std::optional<std::int64_t>{};
    co_return std::optional(rows->front());
}

} // namespace

database_call<std::optional<std::int64_t>> read_position(database& db, const partition_mark& of) {
    auto what =
        store::make_statement("select next_offset from processed_offsets where consumer_group = $1 and "
                              "topic = $2 and partition = $3",
                              of.group, of.topic, of.partition);
    return db.with_session<std::optional<std::int64_t>>(
        [what = std::move(what)](store::session& on) { return read_on(on, what); });
}

result<void> check_position(const partition_mark& of, std::int64_t position, std::int64_t log_start,
                            std::int64_t log_end) {
    if (position >= log_start && position <= log_end) return {};
    error_details details = subject(of, position);
    const bool beyond = position > log_end;
    details.message =
        "group " + of.group + ": the database has the effects of all records below " +
        std::to_string(position) + ", but the log " +
        (beyond ? "ends at " + std::to_string(log_end) + ": the topic was made anew, or the cluster restored"
                : "begins at " + std::to_string(log_start) + ": records were deleted before they were read");
    details.hint =
        beyond ? "find out what the log holds now, reset the group (reset_position(), or by hand the "
                 "partition's row in processed_offsets; without it the group's commit counts), restart"
               : "what was deleted is lost; raise the topic's retention, and to go on reset the group: "
                 "reset_position(), or by hand the partition's row in processed_offsets, and restart";
    return fail(errc::offset_outside_log, std::move(details));
}

database_call<std::int64_t> reset_position(database& db, const partition_mark& of,
                                           std::optional<std::int64_t> position) {
    if (!position)
        return db.execute(
            "delete from processed_offsets where consumer_group = $1 and topic = $2 and partition = $3",
            of.group, of.topic, of.partition);
    return db.execute(
        "insert into processed_offsets(consumer_group, topic, partition, next_offset) values ($1, $2, "
        "$3, $4) on conflict (consumer_group, topic, partition) do update set next_offset = "
        "excluded.next_offset",
        of.group, of.topic, of.partition, *position);
}

namespace inbox_detail {

namespace {

// Nothing for one row that moved, division by zero for none.
constexpr std::string_view move_on_postgres =
    "with moved as (update processed_offsets set next_offset = $5, updated_at = now() where consumer_group = "
    "$1 and "
    "topic = $2 and partition = $3 and next_offset = $4 returning 1) select 1 / count(*) from moved";
// SQLite has one writer: what this finds stays so. -1 breaks a rule of the table.
constexpr std::string_view guard_on_sqlite =
    "insert into processed_offsets(consumer_group, topic, partition, next_offset) select $1, $2, $3, -1 "
    "where not "
    "exists (select 1 from processed_offsets where consumer_group = $1 and topic = $2 and partition = $3 and "
    "next_offset = $4)";
constexpr std::string_view move_on_sqlite = "update processed_offsets set next_offset = $4 where "
                                            "consumer_group = $1 and topic = $2 and partition = $3";
constexpr std::string_view make_row =
    "insert into processed_offsets(consumer_group, topic, partition, next_offset) values ($1, $2, $3, $4)";

} // namespace

void record_move(unit_of_work& into, const store::dialect& speech, const partition_mark& of, bool row_known,
                 std::int64_t first, std::int64_t last) {
    if (!row_known) {
        into.execute(make_row, of.group, of.topic, of.partition, last);
    } else if (speech.kind == store::database_kind::postgres) {
        into.execute(move_on_postgres, of.group, of.topic, of.partition, first, last);
    } else {
        into.execute(guard_on_sqlite, of.group, of.topic, of.partition, first);
        into.execute(move_on_sqlite, of.group, of.topic, of.partition, last);
    }
}

error told_of_move(const partition_mark& of, std::int64_t first, const error& why) {
    const std::string_view state = why.sqlstate();
    if (state != "22012" && state != "23505" && state != "23514") return why;
    error_details details = subject(of, first);
    details.operation = "move the position of group " + of.group;
    return caused_by(errc::offset_moved, std::move(details), why);
}

} // namespace inbox_detail
} // namespace corvid
