// SPDX-License-Identifier: Apache-2.0
//
// redis: one connection to Redis, for marks. Commands that come while others are under way travel together.
// Connects when the first command comes, and again after a loss. Any thread may call it; it has a loop of its
// own.
#pragma once

#include <corvid/store/call.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace corvid {

struct redis_settings {
    /// `redis://[[user]:password@]host[:port][/database]`. Shown nowhere: it may hold a password.
    std::string url = {};
    std::string name = "redis"; ///< of its loop and in errors
    std::chrono::milliseconds connect_timeout{5'000};
    std::chrono::milliseconds command_deadline{5'000}; ///< of what is sent together
};

/// errc::invalid_setting, naming the field.
[[nodiscard]] result<void> validate(const redis_settings& settings);

/// What a command gave, as far as marks need it.
struct redis_reply {
    enum class type : std::uint8_t { nil, text, number };
    type kind = type::nil;
    std::string text = {}; ///< of a status, too
    std::int64_t number = 0;
};

class redis {
public:
    /// Starts the loop. Throws config_error for settings that cannot work. `threads` outlives it.
    redis(scheduler& threads, redis_settings settings);
    /// As close(), on a thread that is no loop.
    ~redis();
    redis(const redis&) = delete;
    redis& operator=(const redis&) = delete;

    /// `co_await r.ask({"SET", key, value, "NX"})`. Errors: database_unreachable when there is no answer (the
    /// command may have been done or not), statement_wrong for what Redis refuses, database_busy while it
    /// loads, is a replica, or is full.
    [[nodiscard]] database_call<redis_reply> ask(std::vector<std::string> command);

    /// Refuses new commands, waits for those under way, ends connection and loop. Idempotent.
    void close();

    [[nodiscard]] scheduler& loop() noexcept;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

} // namespace corvid
