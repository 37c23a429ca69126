// SPDX-License-Identifier: Apache-2.0
//
// http_server: a small HTTP/1.1 server for those who operate a service: probes, metrics, later pages. It runs
// on a thread of its own, which no consumer shares, and answers GET and HEAD alone.
//
// What it does not trust: clients (http_limits bound what each can take), other machines (none, unless there
// is a token), and web pages in an operator's browser: the Host header must name loopback, the address itself
// or one of http_settings::hosts, so that a name that was bound anew to 127.0.0.1 gets nothing.
#pragma once

#include <corvid/base/result.hpp>
#include <corvid/base/scheduler.hpp>
#include <corvid/observe/health.hpp>
#include <corvid/observe/metrics.hpp>
#include <corvid/service/http_settings.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace corvid {

/// Borrowed for the length of the call.
struct http_request {
    std::string_view path;  ///< as it was sent, without the query
    std::string_view query; ///< behind the `?`
};

struct http_answer {
    unsigned status = 200;
    std::string type = "application/json";
    std::string body = {};
};

/// Runs on the server's thread, one request at a time, so it answers at once. What it throws is answered with
/// 500.
using http_handler = std::function<http_answer(const http_request&)>;

class http_server {
public:
    /// Listens when it returns, on a thread that `threads` (real ones, not simulated) runs. Throws
    /// config_error: invalid_setting (the address), conflicting_settings (open to others without a token),
    /// address_unusable.
    http_server(scheduler& threads, const http_settings& settings, http_handler handler,
                const http_limits& limits = {});
    /// Cuts off whoever is connected, and joins the thread.
    ~http_server();
    http_server(const http_server&) = delete;
    http_server& operator=(const http_server&) = delete;

    [[nodiscard]] std::uint16_t port() const noexcept;

private:
    struct body;
    std::unique_ptr<body> body_;
};

/// /livez and /health (liveness), /readyz and /ready (readiness): 200 or 503, `?verbose` names each check;
/// /metrics in Prometheus' text format. Both parameters outlive the handler.
[[nodiscard]] http_handler operator_pages(const health_registry& health, const metrics& figures);

} // namespace corvid
