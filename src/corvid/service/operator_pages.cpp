// SPDX-License-Identifier: Apache-2.0
#include <corvid/service/http_server.hpp>

namespace corvid {

namespace {

bool asks_for(std::string_view query, std::string_view name) noexcept {
    while (!query.empty()) {
        const std::size_t end = std::min(query.find('&'), query.size());
        const std::string_view item = query.substr(0, end);
        if (item.substr(0, item.find('=')) == name) return true;
        query.remove_prefix(std::min(end + 1, query.size()));
    }
    return false;
}

http_answer probe_page(const health_registry& health, probe kind, std::string_view query) {
    const health_report report = health.report(kind);
    return {.status = report.ok ? 200U : 503U, .body = report.to_json(asks_for(query, "verbose"))};
}

} // namespace

http_handler operator_pages(const health_registry& health, const metrics& figures) {
    return [&health, &figures](const http_request& request) -> http_answer {
        if (request.path == "/livez" || request.path == "/health")
            return probe_page(health, probe::liveness, request.query);
        if (request.path == "/readyz" || request.path == "/ready")
            return probe_page(health, probe::readiness, request.query);
        if (request.path == "/metrics")
            return {.type = "text/plain; version=0.0.4; charset=utf-8", .body = figures.to_text()};
        return {.status = 404,
                .body = R"({"error":"there is /livez, /readyz, /health, /ready and /metrics"})"
                        "\n"};
    };
}

} // namespace corvid
