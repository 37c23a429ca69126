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
        close(each.client);
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
    pairs_.push_back({client, server});
}

bool tcp_relay::copy(pair& p, int from, int to) {
    std::array<char, 65536> buffer{};
    const ssize_t got = recv(from, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got <= 0) return false;
    const bool vanishes = mode_ == mode::nothing || (mode_ == mode::no_answers && from == p.server);
    p.spoilt = p.spoilt || vanishes;
    if (vanishes || (p.spoilt && from == p.server)) return true;
    return send(to, buffer.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) == got;
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
            const bool fine = (!fds[1 + 2 * i].revents || copy(each, each.client, each.server)) &&
                              (!fds[2 + 2 * i].revents || copy(each, each.server, each.client));
            if (fine) continue;
            close(each.client);
            close(each.server);
            pairs_.erase(pairs_.begin() + static_cast<std::ptrdiff_t>(i));
        }
        if (fds[0].revents) accept_one();
    }
}

} // namespace corvid::test
