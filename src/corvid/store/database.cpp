// SPDX-License-Identifier: Apache-2.0
#include <corvid/store/database.hpp>

#include <corvid/store/detail/pool.hpp>
#include <corvid/store/postgres/detail/session.hpp>
#include <corvid/store/sqlite/detail/session.hpp>
#include <corvid/store/transaction_state.hpp>
#include <corvid/store/write.hpp>

namespace corvid {

namespace {

database_settings checked(database_settings settings) {
    if (auto valid = validate(settings); !valid) throw config_error(std::move(valid.error()));
    if (settings.url == "sqlite::memory:") settings.pool_size = 1;
    return settings;
}

} // namespace

struct database::impl {
    impl(scheduler& threads, database_settings given, metrics* figures)
        : root(threads),
          settings(checked(std::move(given))),
          thread(threads.run_thread(settings.name, [](scheduler&) {})),
          sessions(thread->loop(), settings, [this](scheduler& loop) { return make(loop); }, figures) {}

    std::unique_ptr<store::session> make(scheduler& loop) const {
        if (is_sqlite(settings)) return store::make_sqlite_session(loop, settings);
        return store::make_postgres_session(loop, settings);
    }

    scheduler& root;
    const database_settings settings;
    std::unique_ptr<loop_thread> thread;
    task_scope calls;
    store::detail::pool sessions;
};

database::database(scheduler& threads, database_settings settings, metrics* figures)
    : impl_(std::make_unique<impl>(threads, std::move(settings), figures)) {}

database::~database() { close(); }

// Again at the end for calls that came after the first close(): they are refused, but on the loop.
void database::close() {
    struct steps {
        static task<void> refuse(store::detail::pool& sessions) {
            sessions.refuse();
            co_return;
        }
    };
    wait_for(impl_->root, impl_->thread->loop(), steps::refuse(impl_->sessions));
    impl_->calls.wait(impl_->root);
    wait_for(impl_->root, impl_->thread->loop(), impl_->sessions.end());
}

const store::dialect& database::dialect() const noexcept {
    return is_sqlite(impl_->settings) ? store::sqlite_dialect : store::postgres_dialect;
}
const database_settings& database::settings() const noexcept { return impl_->settings; }
scheduler& database::threads() noexcept { return impl_->root; }
scheduler& database::loop() noexcept { return impl_->thread->loop(); }
bool database::reachable() const noexcept { return impl_->sessions.reachable(); }
call_home database::home() noexcept { return {&impl_->thread->loop(), &impl_->calls}; }

std::unique_ptr<store::session> database::own_session() { return impl_->make(loop()); }

database::lease::~lease() {
    if (owner_) owner_->sessions.release(slot_);
}
store::session& database::lease::operator*() const noexcept { return owner_->sessions.at(slot_); }

task<result<database::lease>> database::acquire(database& self) {
    auto slot = co_await self.impl_->sessions.acquire();
    if (!slot) co_return fail(std::move(slot.error()));
    co_return lease(*self.impl_, *slot);
}

task<result<store::answer>> database::ask(store::statement what) {
    return lend<store::answer>(
        *this, [what = std::move(what)](store::session& on) { return store::run_one(on, what); });
}

task<result<std::int64_t>> database::affected(task<result<store::answer>> asked) {
    result<store::answer> answered = co_await std::move(asked);
    if (!answered) co_return fail(std::move(answered.error()));
    co_return answered->affected;
}

database_call<void> database::write(unit_of_work unit) {
    auto kept = std::make_shared<unit_of_work>(std::move(unit));
    return with_session<void>([kept](store::session& on) { return store::write_unit(on, kept); });
}

// ---- an open transaction

struct transaction::open {
    open(database& d, database::lease l) : db(d), held(std::move(l)) {}

    database& db;
    std::optional<database::lease> held;
    store::transaction_state state;
};

transaction::transaction(std::shared_ptr<open> state) noexcept : state_(std::move(state)) {}
transaction::transaction(transaction&&) noexcept = default;
transaction& transaction::operator=(transaction&& other) noexcept {
    std::swap(state_, other.state_);
    return *this;
}
transaction::~transaction() {
    if (state_) abandon();
}

// The lease is given back on its loop; the pool rolls back what it finds open.
void transaction::abandon() noexcept {
    struct give_back {
        static task<void> run(std::shared_ptr<open> last) {
            last->held.reset();
            co_return;
        }
    };
    const call_home to = home();
    to.scope->spawn(*to.loop, give_back::run(std::move(state_)));
}

call_home transaction::home() const noexcept { return state_->db.home(); }

task<result<store::answer>> transaction::asked(std::vector<store::statement> flight) {
    return ask_in(state_, std::move(flight));
}

task<result<store::answer>> transaction::ask_in(std::shared_ptr<open> state,
                                                std::vector<store::statement> flight) {
    if (auto allowed = state->state.sending(false, false); !allowed)
        co_return fail(std::move(allowed.error()));
    store::flight_answer answered = co_await (**state->held).run(flight);
    if (auto fine = state->state.answered(answered); !fine) co_return fail(std::move(fine.error()));
    co_return std::move(answered.answers.back());
}

database_call<void> transaction::commit(unit_of_work last) {
    return {home(), commit_kept(state_, std::make_shared<unit_of_work>(std::move(last)))};
}
database_call<void> transaction::commit_with(unit_of_work& last) { return {home(), commit_in(state_, last)}; }
database_call<void> transaction::rollback() { return {home(), rollback_in(state_)}; }

task<result<void>> transaction::commit_kept(std::shared_ptr<open> state, std::shared_ptr<unit_of_work> last) {
    co_return co_await commit_in(std::move(state), *last);
}

task<result<void>> transaction::commit_in(std::shared_ptr<open> state, unit_of_work& last) {
    if (!state->held) co_return fail(errc::transaction_over, {.operation = "commit"});
    unit_of_work* const one = &last;
    auto written = co_await store::write_units(**state->held, state->state, {&one, 1});
    if (state->state.over()) state->held.reset();
    if (!written) co_return fail(std::move(written.error().why));
    co_return result<void>{};
}

task<result<void>> transaction::rollback_in(std::shared_ptr<open> state) {
    if (state->held) co_await store::roll_back(**state->held, state->state);
    state->held.reset();
    co_return result<void>{};
}

namespace {

task<result<void>> begin_on(store::session& on, store::transaction_state& state) {
    const std::vector<store::statement> flight = on.begin_held();
    if (auto allowed = state.sending(true, false); !allowed) co_return allowed;
    co_return state.answered(co_await on.run(flight));
}

} // namespace

database_call<transaction> database::begin() { return begin(&begin_on); }

database_call<transaction> database::begin(
    std::function<task<result<void>>(store::session&, store::transaction_state&)> first) {
    struct steps {
        static task<result<transaction>> run(database& self, decltype(first) begin_by) {
            result<lease> lent = co_await acquire(self);
            if (!lent) co_return fail(std::move(lent.error()));
            auto made = std::make_shared<transaction::open>(self, *std::move(lent));
            auto begun = co_await begin_by(**made->held, made->state);
            if (!begun) co_return fail(std::move(begun.error()));
            co_return transaction(std::move(made));
        }
    };
    return {home(), steps::run(*this, std::move(first))};
}

} // namespace corvid
