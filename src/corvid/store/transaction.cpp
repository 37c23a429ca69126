// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/post_call.hpp>
#include <corvid/store/database.hpp>
#include <corvid/store/transaction_state.hpp>
#include <corvid/store/write.hpp>

namespace corvid {

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

task<result<store::answer>> transaction::ask(store::statement what) {
    return ask_in(state_, std::move(what));
}

task<result<store::answer>> transaction::ask_in(std::shared_ptr<open> state, store::statement what) {
    if (auto allowed = state->state.sending(false, false); !allowed)
        co_return fail(std::move(allowed.error()));
    store::flight_answer answered = co_await (**state->held).run({&what, 1});
    if (auto fine = state->state.answered(answered); !fine) co_return fail(std::move(fine.error()));
    co_return std::move(answered.answers.front());
}

database_call<void> transaction::commit() { return {home(), commit_in(state_)}; }
database_call<void> transaction::rollback() { return {home(), rollback_in(state_)}; }

task<result<void>> transaction::commit_in(std::shared_ptr<open> state) {
    if (!state->held) co_return fail(errc::transaction_over, {.operation = "commit"});
    auto written = co_await store::write_units(**state->held, state->state, {});
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
    store::statement begin{.sql = std::string(on.dialect().begin)};
    if (auto allowed = state.sending(true, false); !allowed) co_return allowed;
    co_return state.answered(co_await on.run({&begin, 1}));
}

} // namespace

database_call<transaction> database::begin() {
    struct steps {
        static task<result<transaction>> run(database& self) {
            result<lease> lent = co_await acquire(self);
            if (!lent) co_return fail(std::move(lent.error()));
            auto made = std::make_shared<transaction::open>(self, *std::move(lent));
            auto begun = co_await begin_on(**made->held, made->state);
            if (!begun) co_return fail(std::move(begun.error()));
            co_return transaction(std::move(made));
        }
    };
    return {home(), steps::run(*this)};
}

} // namespace corvid
