// SPDX-License-Identifier: Apache-2.0
//
// http_settings: where a service answers its operators, and what it takes from those who ask.
#pragma once

#include <corvid/observe/secret.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace corvid {

struct http_settings {
    /// An IP address or `localhost`, and a port; port 0 takes a free one; empty: no server. An address that
    /// is not loopback is refused unless there is a token.
    std::string listen = "127.0.0.1:8080";
    secret token = {}; ///< when set, every request carries `Authorization: Bearer <token>`
    std::vector<std::string> hosts =
        {}; ///< names in the Host header to answer to, beside loopback and the address itself
};

/// Against clients that are slow, greedy or many. Bodies are never read: a request that brings one is
/// refused.
struct http_limits {
    std::size_t header_bytes = 16'384; ///< request line and headers
    std::size_t connections = 64;      ///< beyond it, whoever has kept us waiting longest is cut off
    std::chrono::milliseconds header_time{5'000};
    std::chrono::milliseconds idle_time{30'000};
    std::chrono::milliseconds write_time{5'000};
};

} // namespace corvid
