// SPDX-License-Identifier: Apache-2.0
//
// connection: hiredis' non-blocking context on a loop: connects, sends commands together, reads their
// replies. Internal.
#pragma once

#include <corvid/store/detail/socket.hpp>
#include <corvid/store/redis/redis.hpp>

#include <hiredis/hiredis.h>

#include <span>

namespace corvid::store::redis_detail {

struct address {
    std::string host, user, password, database;
    int port = 6379;
};
[[nodiscard]] result<address> parse_url(std::string_view url);

using command = std::vector<std::string>;

class connection {
public:
    /// `settings` outlives it.
    connection(scheduler& loop, const redis_settings& settings);

    /// The replies to these, in their order: all of them, each a value or its error.
    [[nodiscard]] task<std::vector<result<redis_reply>>> exchange(std::span<const command> commands);
    /// Ends the connection; the next exchange makes another.
    void drop() noexcept;

private:
    struct free_context {
        void operator()(redisContext* c) const noexcept { redisFree(c); }
    };
    [[nodiscard]] task<result<void>> connect();
    [[nodiscard]] task<result<void>> introduce();
    [[nodiscard]] task<result<void>> send(std::span<const command> commands);
    [[nodiscard]] task<result<redis_reply>> receive();
    [[nodiscard]] error lost(std::string what) const;

    scheduler& loop_;
    const redis_settings& settings_;
    address address_;
    std::unique_ptr<redisContext, free_context> context_;
    detail::socket socket_{loop_, [](void* self) noexcept { static_cast<connection*>(self)->drop(); }, this};
};

} // namespace corvid::store::redis_detail
