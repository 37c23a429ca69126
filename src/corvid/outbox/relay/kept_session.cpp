// SPDX-License-Identifier: Apache-2.0
#include <corvid/outbox/relay/kept_session.hpp>

#include <utility>

namespace corvid::outbox_detail {

task<result<std::vector<store::answer>>> kept_session::run_on(store::session& on,
                                                              std::vector<store::statement> what) {
    store::flight_answer answered = co_await on.run(what);
    if (!answered.failed) co_return std::move(answered.answers);
    if (on.alive() && on.in_transaction()) {
        const store::statement back{.sql = std::string(store::rollback_sql)};
        co_await on.run({&back, 1});
    }
    co_return fail(*std::move(answered.failed));
}

task<result<void>> kept_session::open() {
    own_ = db_.own_session();
    result<void> opened = co_await own_->open();
    if (!opened || first_.empty()) co_return opened;
    const store::statement first{.sql = std::string(first_)};
    store::flight_answer answered = co_await own_->run({&first, 1});
    if (answered.failed) co_return fail(*std::move(answered.failed));
    co_return opened;
}

task<result<std::vector<store::answer>>> kept_session::run(std::vector<store::statement> what,
                                                           bool in_transaction) {
    if (in_transaction) {
        what.insert(what.begin(), {.sql = std::string(db_.dialect().begin)});
        what.push_back({.sql = std::string(store::commit_sql)});
    }
    if (is_sqlite(db_.settings())) {
        auto kept = std::make_shared<std::vector<store::statement>>(std::move(what));
        auto running = db_.with_session<std::vector<store::answer>>(
            [kept](store::session& on) { return run_on(on, *kept); });
        co_return co_await running;
    }
    if (!own_ || !own_->alive()) {
        result<void> opened = co_await open();
        if (!opened) {
            own_.reset();
            co_return fail(std::move(opened.error()));
        }
    }
    auto running = run_on(*own_, std::move(what));
    auto answered = co_await std::move(running);
    co_return answered;
}

} // namespace corvid::outbox_detail
