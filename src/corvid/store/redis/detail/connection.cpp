// SPDX-License-Identifier: Apache-2.0
#include <corvid/store/redis/detail/connection.hpp>

#include <sys/socket.h>

#include <array>
#include <charconv>
#include <cstring>

namespace corvid::store::redis_detail {

namespace {

struct free_reply {
    void operator()(redisReply* r) const noexcept { freeReplyObject(r); }
};
using reply_ptr = std::unique_ptr<redisReply, free_reply>;

error refused(std::string_view message) {
    constexpr std::array<std::string_view, 7> passing{"LOADING",    "READONLY",   "OOM",     "BUSY",
                                                      "MASTERDOWN", "NOREPLICAS", "TRYAGAIN"};
    for (const std::string_view each : passing)
        if (message.starts_with(each))
            return error(errc::database_busy, {.message = std::string(message), .operation = "redis"});
    const bool access =
        message.starts_with("NOAUTH") || message.starts_with("WRONGPASS") || message.starts_with("NOPERM");
    return error(access ? errc::database_refused : errc::statement_wrong,
                 {.message = std::string(message), .operation = "redis"});
}

result<redis_reply> read(const redisReply& r) {
    switch (r.type) {
    case REDIS_REPLY_NIL:
        return redis_reply{};
    case REDIS_REPLY_INTEGER:
        return redis_reply{redis_reply::type::number, {}, r.integer};
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
        return redis_reply{redis_reply::type::text, std::string(r.str, r.len), 0};
    case REDIS_REPLY_ERROR:
        return fail(refused({r.str, r.len}));
    default:
        return fail(errc::statement_wrong, {.message = "Redis answered with a list", .operation = "redis"});
    }
}

} // namespace

result<address> parse_url(std::string_view url) {
    constexpr std::string_view scheme = "redis://";
    const auto wrong = [] {
        return fail(errc::invalid_setting,
                    {.message = "redis.url is not redis://[[user]:password@]host[:port][/database]"});
    };
    if (!url.starts_with(scheme)) return wrong();
    url.remove_prefix(scheme.size());
    address out;
    if (const auto at = url.rfind('@'); at != std::string_view::npos) {
        const std::string_view who = url.substr(0, at);
        const auto colon = who.find(':');
        if (colon == std::string_view::npos) return wrong();
        out.user = who.substr(0, colon);
        out.password = who.substr(colon + 1);
        url.remove_prefix(at + 1);
    }
    if (const auto slash = url.find('/'); slash != std::string_view::npos) {
        out.database = url.substr(slash + 1);
        url = url.substr(0, slash);
    }
    if (const auto colon = url.rfind(':'); colon != std::string_view::npos) {
        const std::string_view port = url.substr(colon + 1);
        const auto read_port = std::from_chars(port.data(), port.data() + port.size(), out.port);
        if (read_port.ec != std::errc() || out.port < 1 || out.port > 65'535) return wrong();
        url = url.substr(0, colon);
    }
    if (url.empty() || out.database.find_first_not_of("0123456789") != std::string::npos) return wrong();
    out.host = url;
    return out;
}

connection::connection(scheduler& loop, const redis_settings& settings)
    : loop_(loop), settings_(settings), address_(parse_url(settings.url).value_or(address{})) {}

void connection::drop() noexcept {
    socket_.detach();
    context_.reset();
}

error connection::lost(std::string what) const {
    if (context_ && context_->err != 0) (what += ": ") += context_->errstr;
    return error(errc::database_unreachable, {.message = settings_.name + ": " + what,
                                              .hint = "check redis.url, the network and the server",
                                              .operation = "redis"});
}

task<result<void>> connection::connect() {
    context_.reset(redisConnectNonBlock(address_.host.c_str(), address_.port));
    if (!context_ || context_->err != 0) co_return fail(lost("no connection"));
    socket_.attach(context_->fd);
    socket_.set_deadline(loop_.steady_now() + settings_.connect_timeout);
    using enum detail::socket::direction;
    const bool open = co_await socket_.ready(write);
    if (!open) co_return fail(lost("no connection within connect_timeout"));
    int code = 0;
    socklen_t size = sizeof code;
    if (getsockopt(context_->fd, SOL_SOCKET, SO_ERROR, &code, &size) != 0 || code != 0)
        co_return fail(lost(std::string("no connection: ") + std::strerror(code)));
    co_return co_await introduce();
}

task<result<void>> connection::introduce() {
    std::vector<command> hello;
    if (!address_.password.empty()) {
        hello.push_back({"AUTH"});
        if (!address_.user.empty()) hello.back().push_back(address_.user);
        hello.back().push_back(address_.password);
    }
    if (!address_.database.empty()) hello.push_back({"SELECT", address_.database});
    auto sent = co_await send(hello);
    if (!sent) co_return sent;
    for (std::size_t i = 0; i < hello.size(); ++i) {
        auto answered = co_await receive();
        if (!answered) co_return fail(std::move(answered.error()));
    }
    co_return result<void>{};
}

task<result<void>> connection::send(std::span<const command> commands) {
    for (const command& each : commands) {
        std::vector<const char*> words;
        std::vector<std::size_t> sizes;
        for (const std::string& word : each) {
            words.push_back(word.data());
            sizes.push_back(word.size());
        }
        redisAppendCommandArgv(context_.get(), static_cast<int>(words.size()), words.data(), sizes.data());
    }
    for (int done = 0; done == 0;) {
        if (redisBufferWrite(context_.get(), &done) != REDIS_OK)
            co_return fail(lost("the connection was lost"));
        const bool in_time = done != 0 || co_await socket_.ready(detail::socket::direction::write);
        if (!in_time) co_return fail(lost("no answer within command_deadline"));
    }
    co_return result<void>{};
}

task<result<redis_reply>> connection::receive() {
    for (;;) {
        void* raw = nullptr;
        if (redisGetReplyFromReader(context_.get(), &raw) != REDIS_OK)
            co_return fail(lost("what Redis said is not understood"));
        if (raw) {
            const reply_ptr reply(static_cast<redisReply*>(raw));
            co_return read(*reply);
        }
        const bool in_time = co_await socket_.ready(detail::socket::direction::read);
        if (!in_time) co_return fail(lost("no answer within command_deadline"));
        if (redisBufferRead(context_.get()) != REDIS_OK) co_return fail(lost("the connection was lost"));
    }
}

task<std::vector<result<redis_reply>>> connection::exchange(std::span<const command> commands) {
    std::vector<result<redis_reply>> replies;
    result<void> ready;
    if (!context_) ready = co_await connect();
    socket_.set_deadline(loop_.steady_now() + settings_.command_deadline);
    if (ready) ready = co_await send(commands);
    while (ready && replies.size() < commands.size()) {
        replies.push_back(co_await receive());
        if (!replies.back() && replies.back().error().code() == errc::database_unreachable)
            ready = fail(replies.back().error());
    }
    socket_.clear_deadline();
    if (!ready) {
        drop();
        replies.resize(commands.size(), fail(ready.error()));
    }
    co_return replies;
}

} // namespace corvid::store::redis_detail
