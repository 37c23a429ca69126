// SPDX-License-Identifier: Apache-2.0
//
// tcp_relay: stands between a client and its server on loopback and does to the bytes what networks do.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace corvid::test {

class tcp_relay {
public:
    /// Listens on a free port; `server_url` has HOST:PORT.
    explicit tcp_relay(const std::string& server_url);
    ~tcp_relay();
    tcp_relay(const tcp_relay&) = delete;
    tcp_relay& operator=(const tcp_relay&) = delete;

    /// `url` with this relay's address for the server's.
    [[nodiscard]] std::string through(std::string url) const;

    void pass_on() noexcept { mode_ = mode::pass; }
    /// What the client sends arrives; what the server says vanishes. For connections that are open now.
    void swallow_answers() noexcept { mode_ = mode::no_answers; }
    /// Nothing arrives in either direction.
    void swallow_all() noexcept { mode_ = mode::nothing; }
    /// Ends every connection.
    void cut();

private:
    enum class mode : std::uint8_t { pass, no_answers, nothing };
    struct pair {
        int client;
        int server;
        bool spoilt = false; ///< bytes of it have vanished: it never passes any again
    };

    void work();
    void accept_one();
    bool copy(pair& p, int from, int to);

    std::string address_; ///< of the server
    int server_port_ = 0;
    int port_ = 0;
    int listener_ = -1;
    std::atomic<mode> mode_{mode::pass};
    std::atomic<bool> stop_{false};
    std::mutex mutex_;
    std::vector<pair> pairs_; // under the mutex
    std::thread thread_;
};

} // namespace corvid::test
