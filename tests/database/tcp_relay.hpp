// SPDX-License-Identifier: Apache-2.0
//
// tcp_relay: stands between a client and its PostgreSQL on loopback and does to the bytes what networks do.
#pragma once

#include "client_speech.hpp"

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

    /// What is lost of a COMMIT: its answer; its flight, and all behind it, that the client has gone as well:
    /// the server keeps what is open until it ends it by itself; or the end of its flight, so that what comes
    /// next is that the client has gone.
    enum class commit_loss : std::uint8_t { answer, flight, end_of_flight };
    /// Of the next `many`, each on another connection. Connections are fine till then.
    void lose_commits(int many, commit_loss how) {
        how_ = how;
        commits_to_lose_ = many;
    }
    [[nodiscard]] int commits_lost() const noexcept { return commits_lost_; }

private:
    enum class mode : std::uint8_t { pass, no_answers, nothing };
    struct pair {
        int client; ///< -1: it has gone, and the server has not heard of it
        int server;
        /// Bytes of that direction have vanished: none ever arrive again.
        bool is_unheard = false, is_unanswered = false;
        bool stays_open = false; ///< on the server's side
        client_speech speech = {};
    };

    void work();
    void accept_one();
    bool copy_to_server(pair& p);
    bool copy_to_client(pair& p);
    /// How much of the flight arrives.
    std::size_t lose(pair& p, const client_speech::flight& of);

    std::string address_; ///< of the server
    int server_port_ = 0;
    int port_ = 0;
    int listener_ = -1;
    std::atomic<mode> mode_{mode::pass};
    std::atomic<commit_loss> how_{commit_loss::answer};
    std::atomic<int> commits_to_lose_{0}, commits_lost_{0};
    std::atomic<bool> stop_{false};
    std::mutex mutex_;
    std::vector<pair> pairs_; // under the mutex
    std::thread thread_;
};

} // namespace corvid::test
