// SPDX-License-Identifier: Apache-2.0
//
// http_session: one connection of the HTTP server, from its first byte to its last. Lives as long as an
// operation of its own is pending; everything runs on the server's thread.
#pragma once

#include <corvid/service/http_server.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace corvid::detail {

class http_session;

/// What all sessions of a server share; outlives them.
struct http_site {
    http_handler handler;
    http_limits limits;
    secret token;
    std::vector<std::string> hosts;      ///< in lower case
    std::list<http_session*> sessions{}; ///< whoever has kept the server waiting longest comes first
};

class http_session : public std::enable_shared_from_this<http_session> {
public:
    http_session(boost::asio::ip::tcp::socket socket, http_site& site);
    ~http_session();
    http_session(const http_session&) = delete;
    http_session& operator=(const http_session&) = delete;

    void start() { read_header(); }
    /// Ends it now; its operations come back with an error and let go of it.
    void cut_off();

private:
    using error_code = boost::system::error_code;
    using response = boost::beast::http::response<boost::beast::http::string_body>;

    void wait_for_request();
    void read_header();
    void on_header(error_code failed);
    [[nodiscard]] http_answer answer();
    [[nodiscard]] bool is_host_allowed() const;
    [[nodiscard]] bool is_token_right() const;
    void write(http_answer answer, bool keep_alive);
    void on_written(error_code failed, bool keep_alive);
    void drain();

    http_site& site_;
    boost::beast::tcp_stream stream_;
    boost::beast::flat_buffer buffer_;
    std::optional<boost::beast::http::request_parser<boost::beast::http::empty_body>> parser_;
    std::optional<response> response_;
    std::size_t drained_ = 0;
    std::list<http_session*>::iterator place_;
    bool listed_ = true;
};

} // namespace corvid::detail
