// SPDX-License-Identifier: Apache-2.0
#include <corvid/outbox/relay/notice_listener.hpp>

#include <utility>

namespace corvid::outbox_detail {

namespace {

constexpr std::chrono::seconds silence{10};

} // namespace

notice_listener::notice_listener(database& db, std::string_view channel, std::function<void()> heard)
    : db_(db),
      channel_(channel),
      heard_(std::move(heard)),
      random_(db.settings().seed ? db.settings().seed : entropy_seed()),
      nap_(db.loop()) {}

void notice_listener::stop() noexcept {
    stopping_ = true;
    nap_.end();
}

task<void> notice_listener::run() {
    int failures = 0;
    while (!stopping_ && !is_sqlite(db_.settings())) {
        const auto own = db_.own_session();
        const bool listening = co_await listen(*own);
        if (listening) co_await stay(*own);
        failures = listening ? 0 : failures + 1;
        const duration pause = db_.settings().reconnect.delay(failures + 1, random_.uniform());
        co_await nap_.until(db_.loop().steady_now() + pause);
    }
}

task<bool> notice_listener::listen(store::session& on) {
    on.tell(this);
    const auto opened = co_await on.open();
    if (!opened) co_return false;
    const store::statement listening{.sql = "listen " + channel_};
    const auto answered = co_await on.run({&listening, 1});
    if (answered.failed) co_return false;
    heard_();
    co_return true;
}

// A connection that carries nothing any more, and does not say so, is found by asking.
task<void> notice_listener::stay(store::session& on) {
    const store::statement ping{.sql = "select 1"};
    while (on.alive() && !stopping_) {
        co_await nap_.until(db_.loop().steady_now() + silence);
        if (!on.alive() || stopping_) co_return;
        co_await on.run({&ping, 1});
    }
}

} // namespace corvid::outbox_detail
