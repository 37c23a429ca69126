// SPDX-License-Identifier: Apache-2.0
#include <corvid/service/detail/http_session.hpp>

#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

#include <algorithm>
#include <exception>

namespace corvid::detail {

namespace http = boost::beast::http;

namespace {

constexpr std::size_t most_drained = std::size_t{256} * 1024;

http_answer refusal(unsigned status, std::string_view why) {
    return {.status = status, .body = R"({"error":")" + std::string(why) + "\"}\n"};
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    });
    return out;
}

/// Without the port.
std::string host_name(std::string_view host) {
    const std::size_t bracket = host.rfind(']');
    const std::size_t colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
    return lower(host.substr(0, colon));
}

/// Takes as long for a wrong text as for the right one.
bool same_secret(std::string_view given, std::string_view wanted) noexcept {
    unsigned char differs = given.size() != wanted.size() ? 1 : 0;
    for (std::size_t i = 0; i < given.size(); ++i)
        differs = static_cast<unsigned char>(differs | (given[i] ^ wanted[i % wanted.size()]));
    return differs == 0;
}

unsigned status_of(const boost::system::error_code& failed) noexcept {
    return failed == http::error::header_limit || failed == http::error::buffer_overflow ? 431 : 400;
}

bool is_bad_request(const boost::system::error_code& failed) noexcept {
    return failed.category() == http::make_error_code(http::error::bad_method).category() &&
           failed != http::error::end_of_stream && failed != http::error::partial_message;
}

} // namespace

http_session::http_session(boost::asio::ip::tcp::socket socket, http_site& site)
    : site_(site),
      stream_(std::move(socket)),
      buffer_(site.limits.header_bytes + 1),
      place_(site.sessions.insert(site.sessions.end(), this)) {}

http_session::~http_session() {
    if (listed_) site_.sessions.erase(place_);
}

void http_session::cut_off() {
    if (listed_) site_.sessions.erase(place_);
    listed_ = false;
    stream_.close();
}

void http_session::wait_for_request() {
    stream_.expires_after(site_.limits.idle_time);
    stream_.async_read_some(buffer_.prepare(1024),
                            [self = shared_from_this()](error_code failed, std::size_t size) {
                                self->buffer_.commit(size);
                                if (!failed) self->read_header();
                            });
}

void http_session::read_header() {
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(site_.limits.header_bytes));
    stream_.expires_after(site_.limits.header_time);
    http::async_read_header(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](error_code failed, std::size_t) { self->on_header(failed); });
}

void http_session::on_header(error_code failed) {
    if (failed && !is_bad_request(failed)) return;
    if (failed) return write(refusal(status_of(failed), "this is no request that is taken here"), false);
    const auto& request = parser_->get();
    if (parser_->chunked() || parser_->content_length().value_or(0) != 0)
        return write(refusal(413, "a request here has no body"), false);
    if (request.method() != http::verb::get && request.method() != http::verb::head)
        return write(refusal(405, "only GET and HEAD are taken"), false);
    write(answer(), request.keep_alive());
}

bool http_session::is_host_allowed() const {
    const auto& request = parser_->get();
    if (request.count(http::field::host) != 1) return false;
    const std::string name =
        host_name({request[http::field::host].data(), request[http::field::host].size()});
    if (std::ranges::find(site_.hosts, name) != site_.hosts.end()) return true;
    error_code failed;
    const auto address = stream_.socket().local_endpoint(failed).address();
    if (failed) return false;
    return name == (address.is_v6() ? '[' + address.to_string() + ']' : address.to_string());
}

bool http_session::is_token_right() const {
    if (site_.token.empty()) return true;
    const auto field = parser_->get()[http::field::authorization];
    const std::string_view text(field.data(), field.size());
    constexpr std::string_view scheme = "bearer ";
    return lower(text.substr(0, scheme.size())) == scheme &&
           same_secret(text.substr(scheme.size()), site_.token.reveal());
}

http_answer http_session::answer() {
    if (!is_host_allowed())
        return refusal(403, "the Host header names no host of this server; see http.hosts");
    if (!is_token_right()) return refusal(401, "the token of http.token is missing or wrong");
    const auto target = parser_->get().target();
    const std::string_view text(target.data(), target.size());
    const std::size_t mark = std::min(text.find('?'), text.size());
    try {
        return site_.handler(
            {.path = text.substr(0, mark), .query = text.substr(std::min(mark + 1, text.size()))});
    } catch (const std::exception&) {
        return refusal(500, "the page failed");
    }
}

void http_session::write(http_answer answer, bool keep_alive) {
    const bool is_head = parser_->get().method() == http::verb::head;
    response_.emplace(http::int_to_status(answer.status), 11);
    response_->set(http::field::content_type, answer.type);
    response_->set(http::field::cache_control, "no-store");
    response_->set("X-Content-Type-Options", "nosniff");
    response_->set("Content-Security-Policy", "default-src 'none'");
    if (answer.status == 401) response_->set(http::field::www_authenticate, "Bearer");
    if (answer.status == 405) response_->set(http::field::allow, "GET, HEAD");
    response_->keep_alive(keep_alive);
    response_->content_length(answer.body.size());
    if (!is_head) response_->body() = std::move(answer.body);
    stream_.expires_after(site_.limits.write_time);
    http::async_write(stream_, *response_,
                      [self = shared_from_this(), keep_alive](error_code failed, std::size_t) {
                          self->on_written(failed, keep_alive);
                      });
}

void http_session::on_written(error_code failed, bool keep_alive) {
    if (failed) return;
    if (listed_) site_.sessions.splice(site_.sessions.end(), site_.sessions, place_);
    if (keep_alive && buffer_.size() == 0) return wait_for_request();
    if (keep_alive) return read_header();
    if (stream_.socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, failed)) return;
    buffer_.clear();
    stream_.expires_after(site_.limits.write_time);
    drain();
}

// Closing with unread bytes would reset the connection, and the client might lose the answer.
void http_session::drain() {
    stream_.async_read_some(buffer_.prepare(1024),
                            [self = shared_from_this()](error_code failed, std::size_t size) {
                                self->drained_ += size;
                                if (!failed && self->drained_ < most_drained) self->drain();
                            });
}

} // namespace corvid::detail
