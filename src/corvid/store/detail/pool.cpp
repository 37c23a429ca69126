// SPDX-License-Identifier: Apache-2.0
#include <corvid/store/detail/pool.hpp>

#include <corvid/base/sleep.hpp>

#include <algorithm>

namespace corvid::store::detail {

namespace {

constexpr std::chrono::milliseconds notice_pause{5};

} // namespace

pool::pool(scheduler& loop, const database_settings& settings, session_factory make, metrics* figures)
    : loop_(loop),
      settings_(settings),
      make_(std::move(make)),
      state_(settings.pool_size, settings.validate_after, settings.reconnect),
      random_(settings.seed ? settings.seed : entropy_seed()),
      sessions_(settings.pool_size) {
    if (!figures) return;
    idle_ = figures->gauge_of(metric::database_sessions, {settings.name, "idle"});
    lent_ = figures->gauge_of(metric::database_sessions, {settings.name, "lent"});
    waiting_ = figures->gauge_of(metric::database_waiting, {settings.name});
    waited_ = figures->histogram_of(metric::database_acquire_duration, {settings.name});
    failures_ = figures->counter_of(metric::database_connect_failures, {settings.name});
    timeouts_ = figures->counter_of(metric::database_acquire_timeouts, {settings.name});
}

bool pool::acquire_operation::start() noexcept {
    if (owner_.closing_) {
        outcome_ =
            fail(errc::stopped, {.message = "the database is closed", .operation = "acquire a session"});
        return false;
    }
    id_ = ++owner_.last_waiter_;
    began_ = owner_.loop_.steady_now();
    owner_.waiters_.emplace(id_, this);
    owner_.state_.wait(id_);
    owner_.loop_.at(began_ + owner_.settings_.acquire_timeout, deadline_);
    owner_.act();
    return true;
}

void pool::acquire_operation::too_late() noexcept {
    if (!owner_.state_.give_up(id_)) { // a session is being validated for it
        late_ = true;
        return;
    }
    owner_.timeouts_.add();
    owner_.settle(id_, fail(owner_.exhausted()));
    owner_.show();
}

error pool::exhausted() const {
    const std::string name = settings_.name + ": ";
    error_details details{.message = name + "no session became free within acquire_timeout (" +
                                     std::to_string(settings_.acquire_timeout.count()) + " ms); " +
                                     std::to_string(state_.lent()) + " of " +
                                     std::to_string(settings_.pool_size) + " (pool_size) are in use, " +
                                     std::to_string(state_.waiting()) + " others wait",
                          .operation = "acquire a session"};
    if (!last_failure_) return error(errc::pool_exhausted, std::move(details));
    details.message = name + "no session within acquire_timeout (" +
                      std::to_string(settings_.acquire_timeout.count()) + " ms): connecting failed " +
                      std::to_string(state_.failures()) + " times";
    return caused_by(errc::database_unreachable, std::move(details), *last_failure_);
}

void pool::act() {
    for (const pool_state::action& todo : state_.next(loop_.steady_now()))
        std::visit([this](const auto& one) { perform(one); }, todo);
    show();
}

void pool::perform(const pool_state::lend& todo) {
    if (todo.validate || !sessions_[todo.slot]->alive())
        scope_.spawn(loop_, validate(todo));
    else
        settle(todo.to, todo.slot);
}

void pool::perform(const pool_state::open& todo) { scope_.spawn(loop_, open_one(todo.slot)); }

void pool::perform(const pool_state::wake& todo) {
    loop_.cancel(retry_);
    loop_.at(todo.at, retry_);
}

task<void> pool::open_one(pool_state::slot_id slot) {
    auto made = make_(loop_);
    auto opened = co_await made->open();
    if (!opened) {
        made.reset();
        open_failed(slot, opened.error());
    } else {
        made->lent_by(*this);
        sessions_[slot] = std::move(made);
        last_failure_.reset();
        reachable_ = true;
        state_.opened(slot, loop_.steady_now());
    }
    act();
}

// Waiting does not heal a refusal: those who wait are told at once, those who come later make it try again.
void pool::open_failed(pool_state::slot_id slot, const error& why) {
    failures_.add();
    reachable_ = false;
    state_.open_failed(slot, loop_.steady_now(), random_.uniform());
    last_failure_ = why;
    if (why.kind() == error_kind::fatal || closing_) refuse_all(why);
}

void pool::refuse_all(const error& why) {
    while (!waiters_.empty()) {
        const auto who = waiters_.begin()->first;
        state_.give_up(who);
        settle(who, fail(why));
    }
}

task<void> pool::validate(pool_state::lend todo) {
    session& tested = *sessions_[todo.slot];
    if (tested.alive()) {
        statement ping{.sql = "select 1"};
        const flight_answer answered = co_await tested.run({&ping, 1});
        if (!answered.failed && waiters_.contains(todo.to)) {
            settle(todo.to, todo.slot);
            co_return;
        }
        if (!answered.failed) {
            give_back(todo.slot);
            co_return;
        }
    }
    if (const auto waiter = waiters_.find(todo.to); waiter != waiters_.end()) {
        if (waiter->second->late_)
            settle(todo.to, fail(exhausted()));
        else
            state_.wait_on(todo.to);
    }
    sessions_[todo.slot].reset();
    state_.returned(todo.slot, false, loop_.steady_now());
    act();
}

void pool::settle(pool_state::waiter_id who, result<pool_state::slot_id> outcome) {
    const auto found = waiters_.extract(who);
    acquire_operation& waiter = *found.mapped();
    loop_.cancel(waiter.deadline_);
    waited_.observe(loop_.steady_now() - waiter.began_);
    waiter.outcome_ = std::move(outcome);
    waiter.complete();
}

void pool::release(pool_state::slot_id slot) {
    if (sessions_[slot]->alive() && sessions_[slot]->in_transaction())
        scope_.spawn(loop_, clean(slot));
    else
        give_back(slot);
}

task<void> pool::clean(pool_state::slot_id slot) {
    statement rollback{.sql = std::string(rollback_sql)};
    const flight_answer answered = co_await sessions_[slot]->run({&rollback, 1});
    if (answered.failed) sessions_[slot].reset();
    give_back(slot);
}

void pool::give_back(pool_state::slot_id slot) {
    const bool usable = sessions_[slot] && sessions_[slot]->alive() && !closing_;
    if (!usable) sessions_[slot].reset();
    state_.returned(slot, usable, loop_.steady_now());
    act();
}

void pool::notify(std::string_view channel) noexcept {
    if (closing_ || is_sqlite(settings_)) return;
    if (std::ranges::find(notices_, channel) == notices_.end()) notices_.emplace_back(channel);
    if (!std::exchange(notifying_, true)) scope_.spawn(loop_, send_notices());
}

// What is asked for meanwhile goes together after the pause.
task<void> pool::send_notices() {
    while (!notices_.empty() && !closing_) {
        std::vector<statement> flight;
        for (const std::string& channel : std::exchange(notices_, {}))
            flight.push_back(make_statement("select pg_notify($1, '')", channel));
        auto slot = co_await acquire();
        if (slot) {
            co_await at(*slot).run(flight);
            release(*slot);
        }
        co_await sleep(notice_pause);
    }
    notifying_ = false;
}

void pool::refuse() {
    closing_ = true;
    refuse_all(error(errc::stopped, {.message = "the database is closed", .operation = "acquire a session"}));
}

task<void> pool::end() {
    if (auto failure = co_await scope_.join()) std::rethrow_exception(failure);
    loop_.cancel(retry_);
    sessions_.clear();
}

void pool::show() const {
    idle_.set(static_cast<double>(state_.idle()));
    lent_.set(static_cast<double>(state_.lent()));
    waiting_.set(static_cast<double>(state_.waiting()));
}

} // namespace corvid::store::detail
