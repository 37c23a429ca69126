// SPDX-License-Identifier: Apache-2.0
#include "http_call.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace corvid::faults {
namespace {

class tcp_socket {
public:
    tcp_socket() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        if (fd_ < 0) throw std::system_error(errno, std::system_category(), "socket");
    }
    ~tcp_socket() { close(fd_); }
    tcp_socket(const tcp_socket&) = delete;
    tcp_socket& operator=(const tcp_socket&) = delete;
    [[nodiscard]] int fd() const noexcept { return fd_; }

private:
    int fd_;
};

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return at;
}

} // namespace

std::optional<http_answer> http_call(std::uint16_t port, const std::string& method, const std::string& path,
                                     const std::string& body, std::chrono::seconds within) {
    const tcp_socket to;
    const timeval patience{.tv_sec = within.count(), .tv_usec = 0};
    setsockopt(to.fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(to.fd(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    const sockaddr_in at = loopback(port);
    if (connect(to.fd(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) return std::nullopt;
    const std::string request =
        method + " " + path + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
        "\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body;
    if (send(to.fd(), request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
        return std::nullopt;
    std::string text;
    std::array<char, 4096> piece{};
    for (ssize_t size = 0; (size = recv(to.fd(), piece.data(), piece.size(), 0)) > 0;)
        text.append(piece.data(), static_cast<std::size_t>(size));
    const std::size_t head = text.find("\r\n\r\n");
    if (!text.starts_with("HTTP/1.1 ") || head == std::string::npos) return std::nullopt;
    return http_answer{.status = std::atoi(text.c_str() + 9), .body = text.substr(head + 4)};
}

std::uint16_t free_port() {
    const tcp_socket probe;
    sockaddr_in at = loopback(0);
    socklen_t size = sizeof at;
    if (bind(probe.fd(), reinterpret_cast<const sockaddr*>(&at), size) != 0 ||
        getsockname(probe.fd(), reinterpret_cast<sockaddr*>(&at), &size) != 0)
        throw std::system_error(errno, std::system_category(), "bind");
    return ntohs(at.sin_port);
}

} // namespace corvid::faults
