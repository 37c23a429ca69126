// SPDX-License-Identifier: Apache-2.0
#include <corvid/inbox/sweep.hpp>

#include <corvid/base/post_call.hpp>
#include <corvid/base/sleep.hpp>
#include <corvid/store/write.hpp>

#include <algorithm>
#include <atomic>

namespace corvid {

namespace {

using inbox_detail::mark_parts;
using inbox_detail::rotation_state;
using inbox_detail::rotation_step;

struct turn_row {
    std::int64_t turn = 0, age = 0, retention = 0;
    bool barrier_set = false, barrier_passed = false;
};
BOOST_DESCRIBE_STRUCT(turn_row, (), (turn, age, retention, barrier_set, barrier_passed))

constexpr std::string_view state_sql =
    "select t.turn, floor(extract(epoch from now() - t.changed_at))::bigint as age, "
    "coalesce((select max(retention_seconds) from processed_events_groups), 0) as retention, "
    "t.barrier is not null as barrier_set, "
    "coalesce(pg_snapshot_xmin(pg_current_snapshot()) >= t.barrier, false) as barrier_passed "
    "from processed_events_turn t";
constexpr std::string_view begin_turn_sql =
    "update processed_events_turn set turn = turn + 1, barrier = null where turn = $1";
// The number of this very transaction: every one that began to write before it has a lower one.
constexpr std::string_view set_barrier_sql =
    "update processed_events_turn set barrier = pg_current_xact_id() where turn = $1 and barrier is null";
constexpr std::string_view end_turn_sql =
    "update processed_events_turn set turn = turn + 1, barrier = null, changed_at = now() "
    "where turn = $1 and barrier is not null and pg_snapshot_xmin(pg_current_snapshot()) >= barrier";
constexpr std::string_view size_sql =
    "select coalesce(sum(n_live_tup), 0)::bigint from pg_stat_user_tables where relid in "
    "('processed_events_0'::regclass, 'processed_events_1'::regclass, 'processed_events_2'::regclass)";
constexpr std::string_view register_sql =
    "insert into processed_events_groups(consumer_group, retention_seconds) values ($1, $2) "
    "on conflict (consumer_group) do update set retention_seconds = excluded.retention_seconds "
    "where processed_events_groups.retention_seconds <> excluded.retention_seconds";
constexpr std::string_view delete_sql =
    "delete from processed_events where (consumer_group, event_id) in (select consumer_group, event_id "
    "from processed_events where processed_at < $1 order by processed_at limit $2)";

std::string part_name(int part) { return "processed_events_" + std::to_string(part); }

} // namespace

// On the database's loop.
struct inbox_sweep::impl : timer, std::enable_shared_from_this<impl> {
    impl(database& d, sweep_settings s, metrics* into)
        : timer([](work& w) noexcept { static_cast<impl&>(w).begin_round(); }),
          db(d),
          settings(std::move(s)) {
        if (!into) return;
        const std::string& name = db.settings().name;
        size = into->gauge_of(metric::events_table_size, {name});
        last = into->gauge_of(metric::inbox_last_sweep, {name});
        removed = into->counter_of(metric::inbox_swept, {name});
        done = into->counter_of(metric::inbox_sweeps, {name, "done"});
        failed = into->counter_of(metric::inbox_sweeps, {name, "failed"});
    }

    void begin_round() { rounds.spawn(db.loop(), run_round(shared_from_this())); }
    static task<void> run_round(std::shared_ptr<impl> self);
    static task<result<std::int64_t>> clean(std::shared_ptr<impl> self);
    task<result<void>> join_groups();
    task<result<std::int64_t>> rotate();
    task<result<rotation_state>> look();
    task<result<std::int64_t>> empty(const rotation_state& seen);
    static task<result<std::int64_t>> truncate(store::session& on, std::int64_t turn);
    task<result<std::int64_t>> delete_old();
    task<result<void>> measure();
    static task<void> end(std::shared_ptr<impl> self);

    task<result<std::int64_t>> execute(store::statement what);

    database& db;
    const sweep_settings settings;
    gauge size, last;
    counter removed, done, failed;
    task_scope rounds;
    std::atomic<bool> started = false;
    bool closing = false, unfinished = false;
};

task<void> inbox_sweep::impl::run_round(std::shared_ptr<impl> self) {
    auto cleaned = co_await clean(self);
    if (self->closing) co_return;
    const bool again = !cleaned || self->unfinished;
    scheduler& loop = self->db.loop();
    loop.at(loop.steady_now() +
                std::min(again ? self->settings.soon : self->settings.every, self->settings.every),
            *self);
}

task<result<std::int64_t>> inbox_sweep::impl::clean(std::shared_ptr<impl> self) {
    result<std::int64_t> cleaned{0};
    if (auto joined = co_await self->join_groups(); !joined)
        cleaned = fail(std::move(joined.error()));
    else if (self->db.dialect().kind == store::database_kind::postgres)
        cleaned = co_await self->rotate();
    else
        cleaned = co_await self->delete_old();
    if (cleaned)
        if (auto measured = co_await self->measure(); !measured) cleaned = fail(std::move(measured.error()));
    (cleaned ? self->done : self->failed).add();
    if (cleaned) {
        self->removed.add(static_cast<std::uint64_t>(*cleaned));
        const std::chrono::duration<double> now = self->db.loop().wall_now().time_since_epoch();
        self->last.set(now.count());
    }
    co_return cleaned;
}

task<result<std::int64_t>> inbox_sweep::impl::execute(store::statement what) {
    auto running = db.with_session<store::answer>(
        [what = std::move(what)](store::session& on) { return store::run_one(on, what); });
    auto ran = co_await running;
    if (!ran) co_return fail(std::move(ran.error()));
    co_return ran->affected;
}

task<result<void>> inbox_sweep::impl::join_groups() {
    auto joined =
        co_await execute(store::make_statement(register_sql, settings.group, settings.retention.count()));
    if (!joined) co_return fail(std::move(joined.error()));
    co_return result<void>{};
}

// ---- PostgreSQL: the parts take turns

task<result<rotation_state>> inbox_sweep::impl::look() {
    auto asking = db.query<turn_row>(state_sql);
    auto rows = co_await asking;
    if (!rows) co_return fail(std::move(rows.error()));
    if (rows->size() != 1)
        co_return fail(errc::statement_wrong, {.message = "processed_events_turn has not one row",
                                               .hint = "restore it; never delete from it"});
    const turn_row& row = rows->front();
    rotation_state state{.turn = row.turn,
                         .age = std::chrono::seconds(row.age),
                         .retention = std::chrono::seconds(row.retention),
                         .barrier_set = row.barrier_set,
                         .barrier_passed = row.barrier_passed};
    auto looking =
        db.query<bool>("select not exists (select from " + part_name(mark_parts(row.turn).spare()) + ")");
    auto empty = co_await looking;
    if (!empty) co_return fail(std::move(empty.error()));
    state.spare_empty = empty->front();
    co_return state;
}

// Each step is taken only from the turn that was seen: of two sweeps at once one takes it.
task<result<std::int64_t>> inbox_sweep::impl::rotate() {
    std::int64_t gone = 0;
    unfinished = false;
    while (!closing) {
        auto seen = co_await look();
        if (!seen) co_return fail(std::move(seen.error()));
        result<std::int64_t> taken{0};
        switch (next_step(*seen)) {
        case rotation_step::rest:
            co_return gone;
        case rotation_step::wait:
            unfinished = true;
            co_return gone;
        case rotation_step::empty_spare:
            taken = co_await empty(*seen);
            gone += taken.value_or(0);
            break;
        case rotation_step::begin_turn:
            taken = co_await execute(store::make_statement(begin_turn_sql, seen->turn));
            break;
        case rotation_step::set_barrier:
            taken = co_await execute(store::make_statement(set_barrier_sql, seen->turn));
            break;
        case rotation_step::end_turn:
            taken = co_await execute(store::make_statement(end_turn_sql, seen->turn));
            if (!taken) co_return fail(std::move(taken.error()));
            unfinished = true; // writers at work learn of it before the next spare part is locked
            co_return gone;
        }
        if (!taken) co_return fail(std::move(taken.error()));
    }
    co_return gone;
}

task<result<std::int64_t>> inbox_sweep::impl::empty(const rotation_state& seen) {
    auto truncating =
        db.with_session<std::int64_t>([turn = seen.turn](store::session& on) { return truncate(on, turn); });
    co_return co_await truncating;
}

// Nobody writes this part, but somebody may read the table for long: no reader behind us waits for more than
// the lock timeout here.
task<result<std::int64_t>> inbox_sweep::impl::truncate(store::session& on, std::int64_t turn) {
    const std::string part = part_name(mark_parts(turn).spare());
    store::transaction_state state;
    std::vector<store::statement> flight{
        {.sql = std::string(on.dialect().begin)},
        {.sql = "set local lock_timeout = '500ms'"},
        store::make_statement("select turn from processed_events_turn where turn = $1 for update", turn)};
    if (auto allowed = state.sending(true, false); !allowed) co_return fail(std::move(allowed.error()));
    const store::flight_answer locked = co_await on.run(flight);
    if (auto fine = state.answered(locked); !fine || locked.answers.back().row_count() == 0) {
        co_await store::roll_back(on, state);
        if (!fine) co_return fail(std::move(fine.error()));
        co_return 0; // another sweep was here
    }
    flight = {store::make_statement(
                  "select n_live_tup from pg_stat_user_tables where relid = $1::text::regclass", part),
              {.sql = "truncate " + part},
              {.sql = std::string(store::commit_sql)}};
    if (auto allowed = state.sending(false, true); !allowed) co_return fail(std::move(allowed.error()));
    const store::flight_answer emptied = co_await on.run(flight);
    if (auto fine = state.answered(emptied); !fine) {
        co_await store::roll_back(on, state);
        co_return fail(std::move(fine.error()));
    }
    const auto counted = store::read_rows<std::int64_t>(emptied.answers.front());
    co_return counted && !counted->empty() ? counted->front() : 0;
}

// ---- SQLite: small deletes

task<result<std::int64_t>> inbox_sweep::impl::delete_old() {
    auto asking = db.query<std::int64_t>("select max(retention_seconds) from processed_events_groups");
    auto longest = co_await asking;
    if (!longest) co_return fail(std::move(longest.error()));
    const auto before = std::chrono::floor<std::chrono::microseconds>(db.loop().wall_now()) -
                        std::chrono::seconds(longest->front());
    std::int64_t gone = 0;
    while (!closing) {
        auto deleted = co_await execute(store::make_statement(delete_sql, before, settings.batch));
        if (!deleted) co_return deleted;
        gone += *deleted;
        if (*deleted < settings.batch) break;
        co_await sleep(std::chrono::milliseconds{5}); // others write in between
    }
    co_return gone;
}

task<result<void>> inbox_sweep::impl::measure() {
    const bool postgres = db.dialect().kind == store::database_kind::postgres;
    auto asking = db.query<std::int64_t>(postgres ? size_sql : "select count(*) from processed_events");
    auto counted = co_await asking;
    if (!counted) co_return fail(std::move(counted.error()));
    size.set(static_cast<double>(counted->front()));
    co_return result<void>{};
}

// ---- from outside

inbox_sweep::inbox_sweep(database& db, sweep_settings settings, metrics* figures)
    : impl_(std::make_shared<impl>(db, std::move(settings), figures)) {}

inbox_sweep::~inbox_sweep() { close(); }

void inbox_sweep::start() {
    impl_->started = true;
    post_call(impl_->db.loop(), [self = impl_] {
        if (!self->closing && !self->pending()) self->begin_round();
    });
}

database_call<std::int64_t> inbox_sweep::run_once() { return impl_->db.call(impl::clean(impl_)); }

task<void> inbox_sweep::impl::end(std::shared_ptr<impl> self) {
    self->closing = true;
    if (auto failure = co_await self->rounds.join()) std::rethrow_exception(failure);
    self->db.loop().cancel(*self);
}

// What was never started needs no wait: a single round keeps what it uses.
void inbox_sweep::close() {
    if (impl_->started) wait_for(impl_->db.threads(), impl_->db.loop(), impl::end(impl_));
}

} // namespace corvid
