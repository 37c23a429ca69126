// SPDX-License-Identifier: Apache-2.0
//
// notice_listener: hears NOTIFY on a channel, over a session of its own that it opens again when it is lost.
// On the database's loop; on SQLite there is nothing to hear. Internal.
#pragma once

#include <corvid/base/random.hpp>
#include <corvid/outbox/relay/nap.hpp>
#include <corvid/store/database.hpp>

#include <functional>
#include <string>

namespace corvid::outbox_detail {

class notice_listener final : store::session_listener {
public:
    /// `heard` is also called when it begins to listen: what was said before may have been missed.
    notice_listener(database& db, std::string_view channel, std::function<void()> heard);
    /// When run() has ended.
    ~notice_listener() = default;
    notice_listener(const notice_listener&) = delete;
    notice_listener& operator=(const notice_listener&) = delete;

    /// Until stop(). A session that is silent for long is asked whether it lives.
    [[nodiscard]] task<void> run();
    void stop() noexcept;

private:
    void notified() noexcept override { heard_(); }
    void ended() noexcept override { nap_.wake(); }
    [[nodiscard]] task<bool> listen(store::session& on);
    [[nodiscard]] task<void> stay(store::session& on);

    database& db_;
    std::string channel_;
    std::function<void()> heard_;
    prng random_;
    nap nap_;
    bool stopping_ = false;
};

} // namespace corvid::outbox_detail
