// SPDX-License-Identifier: Apache-2.0
#include <corvid/store/postgres/detail/session.hpp>

#include <corvid/store/detail/socket.hpp>
#include <corvid/store/postgres/detail/prepared.hpp>
#include <corvid/store/sqlstate.hpp>

#include <array>
#include <deque>

namespace corvid::store {

namespace {

using namespace postgres;

struct finish {
    void operator()(PGconn* c) const noexcept { PQfinish(c); }
};

// What was sent and not yet answered.
enum class sent : std::uint8_t { statement, prepare, describe, deallocate, sync };

class postgres_session final : public session {
public:
    postgres_session(scheduler& loop, const database_settings& settings)
        : loop_(loop), settings_(settings), prepared_(settings.statement_cache) {}
    ~postgres_session() override {
        listener_ = nullptr;
        drop();
    }

    task<result<void>> open() override;
    task<flight_answer> run(std::span<const statement> flight) override;
    task<result<void>> script(std::string sql) override;
    [[nodiscard]] bool alive() const noexcept override { return connection_ != nullptr; }
    [[nodiscard]] bool in_transaction() const noexcept override {
        return connection_ && PQtransactionStatus(connection_.get()) != PQTRANS_IDLE;
    }
    [[nodiscard]] const store::dialect& dialect() const noexcept override { return postgres_dialect; }
    [[nodiscard]] std::vector<statement> begin_held() const override {
        return {{.sql = std::string(postgres_dialect.begin)},
                {.sql = "set local idle_in_transaction_session_timeout = " +
                        std::to_string(settings_.transaction_idle_timeout.count())}};
    }
    void tell(session_listener* to) noexcept override { listener_ = to; }

private:
    // A flight under way.
    struct flight_state {
        std::span<const statement> flight;
        flight_answer out = {};
        std::optional<error> unsendable = {}; // of the statement after those that were sent
        std::deque<sent> expected = {};
        std::size_t handed_over = 0; // statements that libpq has taken
        std::string preparing = {};  // its text
        std::string name = {};
    };

    task<result<void>> connect();
    task<result<void>> set_up();
    task<bool> until_ready();
    [[nodiscard]] bool ready_now() noexcept;
    task<bool> send(flight_state& state, const statement& what);
    task<bool> prepare(flight_state& state, const std::string& sql);
    task<void> exchange(flight_state& state);
    task<void> collect(flight_state& state);
    void take(flight_state& state, sent kind, const PGresult* r);
    void take_statement(flight_state& state, const PGresult* r);
    void statement_failed(flight_state& state, const PGresult* r);
    void lose(flight_state& state);
    void drop() noexcept;
    void idle_input() noexcept;
    void take_notices() noexcept;
    void start_clock() { socket_.set_deadline(loop_.steady_now() + settings_.statement_deadline + grace); }

    // The server ends a statement at its deadline by itself; what is silent for longer is no server any more.
    static constexpr std::chrono::milliseconds grace{1'000};
    /// A transaction whose flights follow one another waits for nobody: what it locks is free soon when the
    /// next flight, or its client, is lost.
    static constexpr std::chrono::milliseconds idle_between_flights{5'000};

    scheduler& loop_;
    const database_settings& settings_;
    std::unique_ptr<PGconn, finish> connection_;
    detail::socket socket_{
        loop_, [](void* self) noexcept { static_cast<postgres_session*>(self)->idle_input(); }, this};
    prepared_statements prepared_;
    parameter_list parameters_;
    session_listener* listener_ = nullptr;
    bool was_open_ = false; // a transaction, behind the last answer
    steady_time answered_at_{};
};

// ---- connecting

task<result<void>> postgres_session::open() {
    auto connected = co_await connect();
    if (connected) connected = co_await set_up();
    if (!connected) drop();
    co_return connected;
}

// libpq may close its socket and open another in each PQconnectPoll, so none is watched meanwhile.
task<result<void>> postgres_session::connect() {
    constexpr auto names = std::to_array<const char*>(
        {"fallback_application_name", "keepalives_idle", "keepalives_interval", "keepalives_count",
         "tcp_user_timeout", "dbname", "client_encoding", nullptr});
    const auto values = std::to_array<const char*>( // what the url says wins
        {"corvid", "2", "1", "3", "5000", settings_.url.c_str(), "UTF8", nullptr});
    connection_.reset(PQconnectStartParams(names.data(), values.data(), 1));
    PGconn* const c = connection_.get();
    if (!c) co_return fail(errc::database_unreachable, {.message = "no memory for a connection"});
    PQsetErrorVerbosity(c, PQERRORS_VERBOSE); // the only way to the SQLSTATE of a refusal
    PQsetNoticeProcessor(c, [](void*, const char*) {}, nullptr);
    const steady_time until = loop_.steady_now() + settings_.connect_timeout;
    PostgresPollingStatusType next =
        PQstatus(c) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
    while (next == PGRES_POLLING_READING || next == PGRES_POLLING_WRITING) {
        socket_.attach(PQsocket(c));
        socket_.set_deadline(until);
        using enum detail::socket::direction;
        const bool in_time = co_await socket_.ready(next == PGRES_POLLING_READING ? read : write);
        socket_.detach();
        if (!in_time)
            co_return fail(errc::database_unreachable,
                           {.message = "no connection within connect_timeout (" +
                                       std::to_string(settings_.connect_timeout.count()) + " ms)",
                            .operation = "connect"});
        next = PQconnectPoll(c);
    }
    if (next != PGRES_POLLING_OK) co_return fail(error_of(c, "connect"));
    PQsetErrorVerbosity(c, PQERRORS_DEFAULT);
    socket_.attach(PQsocket(c));
    co_return result<void>{};
}

task<result<void>> postgres_session::set_up() {
    if (PQsetnonblocking(connection_.get(), 1) != 0 || PQenterPipelineMode(connection_.get()) != 1)
        co_return fail(error_of(connection_.get(), "connect"));
    // No timeout of PostgreSQL runs while it waits for the rest of a flight: a client that has gone without a
    // word in the middle of one is found by the server's own keepalive, as soon as one between flights.
    statement set = make_statement(
        "select set_config('statement_timeout', $1, false), set_config('lock_timeout', $2, false), "
        "set_config('idle_in_transaction_session_timeout', $3, false), set_config('datestyle', 'ISO', "
        "false), "
        "set_config('tcp_keepalives_idle', '2', false), set_config('tcp_keepalives_interval', '1', false), "
        "set_config('tcp_keepalives_count', '3', false), set_config('tcp_user_timeout', '5000', false)",
        std::to_string(settings_.statement_deadline.count()), std::to_string(settings_.lock_timeout.count()),
        std::to_string(std::min(settings_.transaction_idle_timeout, idle_between_flights).count()));
    flight_answer answered = co_await run({&set, 1});
    if (answered.failed) co_return fail(*std::move(answered.failed));
    co_return result<void>{};
}

void postgres_session::drop() noexcept {
    socket_.detach();
    const bool was_there = std::exchange(connection_, nullptr) != nullptr;
    if (was_there && listener_) listener_->ended();
}

// Between flights the server says something of its own accord when it ends the session, or as NOTIFY.
void postgres_session::idle_input() noexcept {
    PGconn* const c = connection_.get();
    if (!c || PQconsumeInput(c) == 0 || PQstatus(c) == CONNECTION_BAD) {
        drop();
        return;
    }
    (void)PQisBusy(c);
    take_notices();
    if (PQtransactionStatus(c) == PQTRANS_UNKNOWN) drop();
}

void postgres_session::take_notices() noexcept {
    bool any = false;
    while (PGnotify* heard = PQnotifies(connection_.get())) {
        PQfreemem(heard);
        any = true;
    }
    if (any && listener_) listener_->notified();
}

// ---- sending

task<flight_answer> postgres_session::run(std::span<const statement> flight) {
    const bool stood_still =
        was_open_ && loop_.steady_now() - answered_at_ >= settings_.transaction_idle_timeout;
    flight_state state{.flight = flight};
    if (connection_)
        co_await exchange(state);
    else
        lose(state);
    if (stood_still && state.out.lost) // by then the server has ended it; the news of it need not arrive
        state.out.failed = database_error("25P03", "the transaction asked nothing for too long", "execute");
    if (!state.out.failed && state.unsendable) state.out.failed = std::move(state.unsendable);
    was_open_ = in_transaction();
    answered_at_ = loop_.steady_now();
    co_return std::move(state.out);
}

task<void> postgres_session::exchange(flight_state& state) {
    start_clock();
    for (const statement& each : state.flight)
        if (!co_await send(state, each)) break;
    if (!state.out.lost) {
        if (PQpipelineSync(connection_.get()) != 1) lose(state);
        state.expected.push_back(sent::sync);
        co_await collect(state);
    }
    socket_.clear_deadline();
    if (connection_) take_notices();
}

// False where the flight must end here.
task<bool> postgres_session::send(flight_state& state, const statement& what) {
    auto* known = prepared_.find(what.sql);
    if (!known) {
        if (!co_await prepare(state, what.sql)) co_return false;
        known = prepared_.find(what.sql);
    }
    if (auto filled = parameters_.fill(what, known->types); !filled) {
        state.unsendable = std::move(filled.error());
        co_return false;
    }
    if (PQsendQueryPrepared(connection_.get(), known->name.c_str(), parameters_.count(), parameters_.values(),
                            parameters_.lengths(), parameters_.formats(), 1) != 1) {
        lose(state);
        co_return false;
    }
    state.expected.push_back(sent::statement);
    ++state.handed_over;
    co_return true;
}

// Prepared behind what was sent before, which may create what it names; the types come back before it is
// used. In a transaction the server is told that it may wait then, so that its timeout for that runs.
task<bool> postgres_session::prepare(flight_state& state, const std::string& sql) {
    PGconn* const c = connection_.get();
    if (const auto old = prepared_.evict()) {
        const std::string deallocate = "deallocate " + *old;
        if (PQsendQueryParams(c, deallocate.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 1) == 1)
            state.expected.push_back(sent::deallocate);
    }
    state.name = prepared_.next_name();
    state.preparing = sql;
    const bool in_block = was_open_ || state.flight.front().sql == postgres_dialect.begin;
    if (PQsendPrepare(c, state.name.c_str(), sql.c_str(), 0, nullptr) != 1 ||
        PQsendDescribePrepared(c, state.name.c_str()) != 1 ||
        (in_block ? PQpipelineSync(c) : PQsendFlushRequest(c)) != 1) {
        lose(state);
        co_return false;
    }
    state.expected.push_back(sent::prepare);
    state.expected.push_back(sent::describe);
    if (in_block) state.expected.push_back(sent::sync);
    co_await collect(state);
    co_return !state.out.failed && !state.unsendable;
}

// ---- receiving

bool postgres_session::ready_now() noexcept {
    PGconn* const c = connection_.get();
    return PQflush(c) == 0 && PQisBusy(c) == 0;
}

// Until PQgetResult has something to give; that may be the news that the connection is gone. False: too late.
task<bool> postgres_session::until_ready() {
    PGconn* const c = connection_.get();
    for (;;) {
        const int pending = PQflush(c);
        if (pending < 0 || PQstatus(c) == CONNECTION_BAD) co_return true;
        if (pending == 0 && PQisBusy(c) == 0) co_return true;
        using enum detail::socket::direction;
        if (!co_await socket_.ready(pending > 0 ? both : read)) co_return false;
        if (PQconsumeInput(c) == 0) co_return true;
    }
}

// Takes the answer of all that is expected, in order.
task<void> postgres_session::collect(flight_state& state) {
    while (!state.expected.empty() && !state.out.lost) {
        if (!ready_now() && !co_await until_ready()) {
            state.out.failed =
                error(errc::statement_timed_out,
                      {.message = "the server was silent for statement_deadline (" +
                                  std::to_string(settings_.statement_deadline.count()) + " ms) and a second",
                       .operation = "execute"});
            lose(state);
            co_return;
        }
        const result_ptr r(PQgetResult(connection_.get()));
        if (PQstatus(connection_.get()) == CONNECTION_BAD) {
            if (r && is_error(r.get()) && !state.out.failed) state.out.failed = error_of(r.get(), "execute");
            lose(state);
            co_return;
        }
        if (!r) { // the end of one command's results
            state.expected.pop_front();
            continue;
        }
        take(state, state.expected.front(), r.get());
        if (PQresultStatus(r.get()) == PGRES_PIPELINE_SYNC) state.expected.pop_front();
    }
}

void postgres_session::take(flight_state& state, sent kind, const PGresult* r) {
    if (PQresultStatus(r) == PGRES_PIPELINE_ABORTED || state.out.failed) return;
    if (is_error(r)) {
        statement_failed(state, r);
        return;
    }
    if (kind == sent::statement) take_statement(state, r);
    if (kind != sent::describe) return;
    auto types = description_of(r);
    if (types)
        prepared_.add(state.preparing, state.name, *std::move(types));
    else
        state.unsendable = std::move(types.error());
}

// COMMIT of a transaction that has failed is answered with success and the word ROLLBACK.
void postgres_session::take_statement(flight_state& state, const PGresult* r) {
    const std::string& sql = state.flight[state.out.answers.size()].sql;
    if (sql == commit_sql && std::string_view(PQcmdStatus(const_cast<PGresult*>(r))) != "COMMIT") {
        state.out.failed =
            database_error("40000", "the transaction had failed before and was rolled back", "commit");
        return;
    }
    if (auto* known = prepared_.find(sql)) known->used = true;
    auto answered = answer_of(r);
    if (answered)
        state.out.answers.push_back(*std::move(answered));
    else
        state.out.failed = std::move(answered.error());
}

// A plan that the tables have outgrown is made anew the next time.
void postgres_session::statement_failed(flight_state& state, const PGresult* r) {
    error why = error_of(r, "execute");
    if (const std::size_t index = state.out.answers.size(); index < state.flight.size()) {
        const auto* known = prepared_.find(state.flight[index].sql);
        const bool stale = known && (why.sqlstate() == "26000" || (why.sqlstate() == "0A000" && known->used));
        if (stale) {
            prepared_.remove(state.flight[index].sql);
            error_details details = why.details();
            details.kind = error_kind::retriable;
            why = error(errc::database_busy, std::move(details));
        }
    }
    const bool over = ends_session(why.sqlstate());
    state.out.failed = std::move(why);
    if (over) lose(state);
}

void postgres_session::lose(flight_state& state) {
    state.out.lost = true;
    if (!state.out.failed)
        state.out.failed = connection_
                               ? error_of(connection_.get(), "execute")
                               : error(errc::database_unreachable, {.message = "the session is gone"});
    state.out.unsure = state.handed_over == state.flight.size() && state.out.failed->sqlstate().empty();
    state.expected.clear();
    drop();
}

// ---- scripts

task<result<void>> postgres_session::script(std::string sql) {
    flight_state state;
    socket_.work_without_deadline();
    if (!connection_ || PQexitPipelineMode(connection_.get()) != 1 ||
        PQsendQuery(connection_.get(), sql.c_str()) != 1) {
        lose(state);
        co_return fail(*state.out.failed);
    }
    for (;;) {
        if (!co_await until_ready()) {
            lose(state);
            co_return fail(errc::statement_timed_out, {.operation = "script"});
        }
        const result_ptr r(PQgetResult(connection_.get()));
        if (!r) break;
        if (is_error(r.get()) && !state.out.failed) state.out.failed = error_of(r.get(), "script");
        if (PQstatus(connection_.get()) == CONNECTION_BAD) break;
    }
    socket_.clear_deadline();
    if (PQstatus(connection_.get()) == CONNECTION_BAD || PQenterPipelineMode(connection_.get()) != 1)
        lose(state);
    if (state.out.failed) co_return fail(*std::move(state.out.failed));
    co_return result<void>{};
}

} // namespace

std::unique_ptr<session> make_postgres_session(scheduler& loop, const database_settings& settings) {
    return std::make_unique<postgres_session>(loop, settings);
}

} // namespace corvid::store
