// SPDX-License-Identifier: Apache-2.0
#include <corvid/service/http_server.hpp>
#include <corvid/service/threaded_scheduler.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

namespace corvid {
namespace {

using namespace std::chrono_literals;
using boost::asio::ip::tcp;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
namespace http = boost::beast::http;

/// A client that says what a test wants, byte by byte, and waits for the answer.
class connection {
public:
    explicit connection(std::uint16_t port) {
        socket_.connect({boost::asio::ip::address_v4::loopback(), port});
    }

    void send(std::string_view text) {
        boost::system::error_code ignored; // a server that has heard enough may have closed
        boost::asio::write(socket_, boost::asio::buffer(text), ignored);
    }
    /// Everything until the server closes.
    std::string rest() {
        std::string text;
        boost::system::error_code ended;
        boost::asio::read(socket_, boost::asio::dynamic_buffer(text), ended);
        return text;
    }
    http::response<http::string_body> response() {
        http::response<http::string_body> one;
        http::read(socket_, buffer_, one);
        return one;
    }

private:
    boost::asio::io_context io_;
    tcp::socket socket_{io_};
    boost::beast::flat_buffer buffer_;
};

std::string get(std::string_view target, std::string_view more = {}, std::string_view host = "localhost") {
    return "GET " + std::string(target) + " HTTP/1.1\r\nHost: " + std::string(host) + "\r\n" +
           std::string(more) + "\r\n";
}
constexpr std::string_view close_after = "Connection: close\r\n";

class operators_server : public testing::Test {
public:
    http_server& start(const http_settings& settings = {.listen = "127.0.0.1:0"},
                       const http_limits& limits = {}) {
        server = std::make_unique<http_server>(threads, settings, operator_pages(health, figures), limits);
        return *server;
    }
    std::string ask(std::string_view request) {
        connection client(server->port());
        client.send(request);
        return client.rest();
    }

    threaded_scheduler threads;
    health_registry health;
    metrics figures{"test"};
    std::unique_ptr<http_server> server;
};

TEST_F(operators_server, probes_tell_liveness_and_readiness_apart) {
    start();
    const auto check =
        health.add(probe::readiness, "broker", [] { return health_status{.ok = false, .detail = "down"}; });
    for (const char* path : {"/livez", "/health"})
        EXPECT_THAT(ask(get(path, close_after)), StartsWith("HTTP/1.1 200 OK")) << path;
    for (const char* path : {"/readyz", "/ready"})
        EXPECT_THAT(ask(get(path, close_after)), StartsWith("HTTP/1.1 503 ")) << path;
    EXPECT_THAT(ask(get("/readyz", close_after)), Not(HasSubstr("broker")));
    EXPECT_THAT(ask(get("/readyz?x&verbose=1", close_after)),
                HasSubstr(R"({"name":"broker","status":"failing","detail":"down"})"));
}

TEST_F(operators_server, metrics_are_served_as_prometheus_text) {
    start();
    figures.counter_of(metric::producer_rebuilds).add(3);
    const std::string answer = ask(get("/metrics", close_after));
    EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    EXPECT_THAT(answer, HasSubstr("corvid_producer_rebuilds_total{service=\"test\"} 3\n"));
}

TEST_F(operators_server, one_connection_serves_many_requests_also_at_once) {
    start();
    connection client(server->port());
    for (int i = 0; i < 3; ++i) {
        client.send(get("/livez"));
        EXPECT_EQ(client.response().result_int(), 200U);
    }
    client.send(get("/livez") + get("/nowhere") + get("/livez", close_after));
    EXPECT_EQ(client.response().result_int(), 200U);
    EXPECT_EQ(client.response().result_int(), 404U);
    EXPECT_EQ(client.response().result_int(), 200U);
    EXPECT_EQ(client.rest(), "");
}

TEST_F(operators_server, head_is_get_without_the_body) {
    start();
    const std::string answer = ask("HEAD /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(answer, HasSubstr("Content-Length: 16\r\n"));
    EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
}

TEST_F(operators_server, other_methods_and_bodies_are_refused) {
    start();
    EXPECT_THAT(ask("DELETE /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"), StartsWith("HTTP/1.1 405 "));
    EXPECT_THAT(ask(get("/livez", "Content-Length: 5\r\n") + "hello"), StartsWith("HTTP/1.1 413 "));
    EXPECT_THAT(ask(get("/livez", "Transfer-Encoding: chunked\r\n") + "5\r\nhello\r\n0\r\n\r\n"),
                StartsWith("HTTP/1.1 413 "));
    EXPECT_THAT(ask(get("/livez", "Content-Length: 99999999999999999999\r\n")), StartsWith("HTTP/1.1 400 "));
}

TEST_F(operators_server, what_is_no_http_is_refused) {
    start();
    EXPECT_THAT(ask("hello\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
    EXPECT_THAT(ask(std::string_view("\0\x16\x03\x01\r\n\r\n", 8)), StartsWith("HTTP/1.1 400 "));
    EXPECT_THAT(ask(get("/livez", close_after)), StartsWith("HTTP/1.1 200 "));
}

TEST_F(operators_server, a_header_beyond_16_kib_is_refused_also_without_a_line_break) {
    start();
    EXPECT_THAT(ask(get("/" + std::string(20'000, 'x'))), StartsWith("HTTP/1.1 431 "));
    EXPECT_THAT(ask(std::string(20'000, 'x')), StartsWith("HTTP/1.1 4"));
    EXPECT_THAT(ask("GET /" + std::string(40'000, 'x')), StartsWith("HTTP/1.1 431 "));
    EXPECT_THAT(ask(get("/livez", "X: " + std::string(10'000, 'x') + "\r\nConnection: close\r\n")),
                StartsWith("HTTP/1.1 200 "));
}

TEST_F(operators_server, a_host_that_is_not_ours_is_refused) {
    start({.listen = "127.0.0.1:0", .hosts = {"ops.example.org"}});
    for (const char* host :
         {"localhost", "LOCALHOST:1", "127.0.0.1:8080", "[::1]:8080", "ops.example.org:80"})
        EXPECT_THAT(ask(get("/livez", close_after, host)), StartsWith("HTTP/1.1 200 ")) << host;
    for (const char* host : {"evil.example.org", "localhost.evil.org", "10.0.0.1", ""})
        EXPECT_THAT(ask(get("/livez", close_after, host)), StartsWith("HTTP/1.1 403 ")) << host;
    EXPECT_THAT(ask("GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n"), StartsWith("HTTP/1.1 403 "));
    EXPECT_THAT(ask(get("/livez", "Host: localhost\r\nConnection: close\r\n")),
                Not(StartsWith("HTTP/1.1 200 ")));
}

TEST_F(operators_server, with_a_token_every_request_needs_it) {
    start({.listen = "127.0.0.1:0", .token = secret("canary")});
    const auto status = [&](std::string_view header) {
        return ask(get("/livez", std::string(header) + std::string(close_after)));
    };
    EXPECT_THAT(status("Authorization: Bearer canary\r\n"), StartsWith("HTTP/1.1 200 "));
    EXPECT_THAT(status("authorization: bearer canary\r\n"), StartsWith("HTTP/1.1 200 "));
    for (const char* header :
         {"", "Authorization: Bearer canar\r\n", "Authorization: Bearer canarycanary\r\n",
          "Authorization: Bearer \r\n", "Authorization: Basic canary\r\n"})
        EXPECT_THAT(status(header), StartsWith("HTTP/1.1 401 ")) << header;
    EXPECT_THAT(status(""), HasSubstr("WWW-Authenticate: Bearer\r\n"));
    EXPECT_THAT(status(""), Not(HasSubstr("canary")));
}

TEST_F(operators_server, an_address_open_to_others_needs_a_token) {
    try {
        start({.listen = "0.0.0.0:0"});
        FAIL() << "open without a token";
    } catch (const config_error& thrown) {
        EXPECT_EQ(thrown.why(), errc::conflicting_settings);
    }
    start({.listen = "0.0.0.0:0", .token = secret("t")});
    EXPECT_THAT(ask(get("/livez", "Authorization: Bearer t\r\nConnection: close\r\n", "127.0.0.1")),
                StartsWith("HTTP/1.1 200 "));
}

TEST_F(operators_server, an_address_that_is_taken_is_refused_with_its_name) {
    const std::uint16_t taken = start().port();
    ASSERT_NE(taken, 0);
    const std::string listen = "127.0.0.1:" + std::to_string(taken);
    try {
        const http_server second(threads, {.listen = listen}, operator_pages(health, figures));
        FAIL() << "two servers on one port";
    } catch (const config_error& thrown) {
        EXPECT_EQ(thrown.why(), errc::address_unusable);
        EXPECT_THAT(thrown.what(), HasSubstr(listen));
    }
}

TEST_F(operators_server, a_slow_header_and_an_idle_connection_are_cut_off) {
    start({.listen = "127.0.0.1:0"}, {.header_time = 50ms, .idle_time = 50ms});
    EXPECT_EQ(ask("GET /livez HTTP/1.1\r\nHo"), "");
    EXPECT_EQ(ask(""), "");
    connection idle(server->port());
    idle.send(get("/livez"));
    EXPECT_EQ(idle.response().result_int(), 200U);
    EXPECT_EQ(idle.rest(), "");
}

TEST_F(operators_server, five_hundred_slow_clients_do_not_keep_a_probe_from_its_answer) {
    start();
    std::vector<std::unique_ptr<connection>> slow;
    for (int i = 0; i < 500; ++i) {
        slow.push_back(std::make_unique<connection>(server->port()));
        slow.back()->send("GET /livez HTTP/1.1\r\nX: ");
    }
    EXPECT_THAT(ask(get("/livez", close_after)), StartsWith("HTTP/1.1 200 "));
    EXPECT_EQ(slow.front()->rest(), ""); // whoever was slow for longest had to go
}

TEST_F(operators_server, a_page_that_throws_is_answered_with_500) {
    server = std::make_unique<http_server>(
        threads, http_settings{.listen = "localhost:0"},
        [](const http_request&) -> http_answer { throw std::runtime_error("canary"); });
    const std::string answer = ask(get("/", close_after));
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 500 "));
    EXPECT_THAT(answer, Not(HasSubstr("canary")));
}

TEST_F(operators_server, a_stopped_server_lets_go_of_its_clients_and_its_port) {
    const std::uint16_t port = start().port();
    connection client(port);
    client.send(get("/livez"));
    EXPECT_EQ(client.response().result_int(), 200U);
    server.reset();
    EXPECT_EQ(client.rest(), "");
    start({.listen = "127.0.0.1:" + std::to_string(port)});
    EXPECT_EQ(server->port(), port);
}

} // namespace
} // namespace corvid
