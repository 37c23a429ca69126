// SPDX-License-Identifier: Apache-2.0
#include <corvid/service/http_server.hpp>

#include <corvid/service/detail/http_session.hpp>
#include <corvid/service/detail/listen_address.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <fcntl.h>
#include <unistd.h>

namespace corvid {

namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

/// A descriptor kept in reserve: when the process has no more, it makes room to accept and turn away. Else
/// the listening socket would stay readable, and the thread would spin.
class spare_descriptor {
public:
    spare_descriptor() noexcept { take(); }
    ~spare_descriptor() { give(); }
    spare_descriptor(const spare_descriptor&) = delete;
    spare_descriptor& operator=(const spare_descriptor&) = delete;
    void take() noexcept { fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
    void give() noexcept {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }

private:
    int fd_ = -1;
};

detail::listen_address checked(const http_settings& settings) {
    auto address = detail::listen_address::parse(settings.listen);
    if (!address) throw config_error(address.error());
    if (!address->loopback && settings.token.empty())
        throw config_error(error(errc::conflicting_settings,
                                 {.message = "http.listen (" + settings.listen +
                                             ") is open to other machines and http.token is empty",
                                  .hint = "set http.token, or listen on 127.0.0.1"}));
    return *address;
}

detail::http_site make_site(const http_settings& settings, http_handler handler, const http_limits& limits) {
    return {.handler = std::move(handler), .limits = limits, .token = settings.token, .hosts = [&] {
                std::vector<std::string> hosts = {"localhost", "127.0.0.1", "[::1]"};
                hosts.insert(hosts.end(), settings.hosts.begin(), settings.hosts.end());
                return hosts;
            }()};
}

} // namespace

struct http_server::body {
    body(scheduler& threads, const http_settings& settings, http_handler handler, const http_limits& limits);
    ~body() {
        io.stop();
        thread.reset();
    }
    body(const body&) = delete;
    body& operator=(const body&) = delete;

    void listen(const http_settings& settings);
    void accept();
    void on_accepted(error_code failed, tcp::socket socket);
    void turn_away();

    struct run_node : work {
        explicit run_node(body& b) noexcept
            : work([](work& node) noexcept { static_cast<run_node&>(node).owner.io.run(); }), owner(b) {}
        body& owner;
    };

    detail::http_site site; // outlives the sessions that io holds
    boost::asio::io_context io{1};
    tcp::acceptor acceptor{io};
    spare_descriptor spare;
    run_node node{*this};
    std::unique_ptr<loop_thread> thread;
};

http_server::body::body(scheduler& threads, const http_settings& settings, http_handler handler,
                        const http_limits& limits)
    : site(make_site(settings, std::move(handler), limits)) {
    listen(settings);
    accept();
    thread = threads.run_thread("corvid-http", [this](scheduler& loop) { loop.post(node); });
}

void http_server::body::listen(const http_settings& settings) {
    const detail::listen_address address = checked(settings);
    const tcp::endpoint endpoint(boost::asio::ip::make_address(address.host), address.port);
    error_code failed;
    failed = acceptor.open(endpoint.protocol(), failed);
    if (!failed) failed = acceptor.set_option(tcp::acceptor::reuse_address(true), failed);
    if (!failed) failed = acceptor.bind(endpoint, failed);
    if (!failed) failed = acceptor.listen(boost::asio::socket_base::max_listen_connections, failed);
    if (failed)
        throw config_error(error(errc::address_unusable,
                                 {.message = "http.listen is " + settings.listen + ": " + failed.message(),
                                  .native_code = failed.value()}));
}

void http_server::body::accept() {
    acceptor.async_accept(
        [this](error_code failed, tcp::socket socket) { on_accepted(failed, std::move(socket)); });
}

void http_server::body::on_accepted(error_code failed, tcp::socket socket) {
    if (failed == boost::asio::error::operation_aborted) return;
    if (failed)
        turn_away();
    else {
        if (site.sessions.size() >= site.limits.connections) site.sessions.front()->cut_off();
        std::make_shared<detail::http_session>(std::move(socket), site)->start();
    }
    accept();
}

void http_server::body::turn_away() {
    spare.give();
    error_code ignored;
    ignored = acceptor.non_blocking(true, ignored);
    { const tcp::socket refused = acceptor.accept(ignored); }
    spare.take();
}

http_server::http_server(scheduler& threads, const http_settings& settings, http_handler handler,
                         const http_limits& limits)
    : body_(std::make_unique<body>(threads, settings, std::move(handler), limits)) {}

http_server::~http_server() = default;

std::uint16_t http_server::port() const noexcept {
    error_code failed;
    return body_->acceptor.local_endpoint(failed).port();
}

} // namespace corvid
