// SPDX-License-Identifier: Apache-2.0
#include "tcp_relay.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

namespace corvid::test {

namespace {

sockaddr_in loopback(int port) {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(static_cast<std::uint16_t>(port));
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return where;
}

} // namespace

tcp_relay::tcp_relay(const std::string& server_url) {
    const auto at = server_url.find('@'), end = server_url.find('/', at);
    address_ = server_url.substr(at + 1, end - at - 1);
    server_port_ = std::stoi(address_.substr(address_.find(':') + 1));
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in here = loopback(0);
    socklen_t size = sizeof here;
    if (bind(listener_, reinterpret_cast<sockaddr*>(&here), size) != 0 || listen(listener_, 16) != 0 ||
        getsockname(listener_, reinterpret_cast<sockaddr*>(&here), &size) != 0)
        throw std::runtime_error("no port for the relay");
    port_ = ntohs(here.sin_port);
    thread_ = std::thread([this] { work(); });
}

tcp_relay::~tcp_relay() {
    stop_ = true;
    thread_.join();
    cut();
    close(listener_);
}

std::string tcp_relay::through(std::string url) const {
    return url.replace(url.find(address_), address_.size(), "127.0.0.1:" + std::to_string(port_));
}

void tcp_relay::cut() {
    const std::scoped_lock lock(mutex_);
    for (const pair& each : pairs_) {
        if (each.client >= 0) close(each.client);
        close(each.server);
    }
    pairs_.clear();
}

void tcp_relay::accept_one() {
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in where = loopback(server_port_);
    if (client < 0 || connect(server, reinterpret_cast<sockaddr*>(&where), sizeof where) != 0) {
        close(server);
        if (client >= 0) close(client);
        return;
    }
    pairs_.push_back({.client = client, .server = server});
}

bool tcp_relay::copy_to_server(pair& p) {
    std::array<char, 65536> buffer{};
    const ssize_t got = recv(p.client, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got <= 0 && p.stays_open) {
        close(p.client);
        p.client = -1;
    }
    if (got <= 0) return p.stays_open;
    if (mode_ == mode::nothing) p.is_unheard = p.is_unanswered = true;
    if (!p.is_unheard) p.speech.take({buffer.data(), static_cast<std::size_t>(got)});
    while (!p.is_unheard) {
        const auto flight = p.speech.next();
        if (!flight) break;
        const std::size_t arrives = flight->commit ? lose(p, *flight) : flight->bytes.size();
        if (send(p.server, flight->bytes.data(), arrives, MSG_NOSIGNAL) != static_cast<ssize_t>(arrives))
            return false;
    }
    return true;
}

std::size_t tcp_relay::lose(pair& p, const client_speech::flight& of) {
    if (p.is_unanswered || commits_to_lose_ == 0) return of.bytes.size();
    --commits_to_lose_;
    ++commits_lost_;
    p.is_unanswered = true;
    p.is_unheard = how_ != commit_loss::answer;
    p.stays_open = how_ == commit_loss::flight;
    if (p.stays_open) return 0;
    return p.is_unheard ? *of.commit : of.bytes.size();
}

bool tcp_relay::copy_to_client(pair& p) {
    std::array<char, 65536> buffer{};
    const ssize_t got = recv(p.server, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got <= 0) return false;
    p.is_unanswered = p.is_unanswered || mode_ != mode::pass;
    return p.is_unanswered ||
           send(p.client, buffer.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) == got;
}

void tcp_relay::work() {
    while (!stop_) {
        const std::scoped_lock lock(mutex_);
        std::vector<pollfd> fds{{listener_, POLLIN, 0}};
        for (const pair& each : pairs_) {
            fds.push_back({each.client, POLLIN, 0});
            fds.push_back({each.server, POLLIN, 0});
        }
        if (poll(fds.data(), fds.size(), 5) <= 0) continue;
        for (std::size_t i = pairs_.size(); i-- > 0;) {
            pair& each = pairs_[i];
            const bool fine = (!fds[1 + 2 * i].revents || copy_to_server(each)) &&
                              (!fds[2 + 2 * i].revents || copy_to_client(each));
            if (fine) continue;
            if (each.client >= 0) close(each.client);
            close(each.server);
            pairs_.erase(pairs_.begin() + static_cast<std::ptrdiff_t>(i));
        }
        if (fds[0].revents) accept_one();
    }
}

} // namespace corvid::test
