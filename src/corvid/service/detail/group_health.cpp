// SPDX-License-Identifier: Apache-2.0
#include <corvid/service/detail/group_health.hpp>

#include <utility>

namespace corvid {

health_status liveness_of(const group_loop& loop, steady_time now, duration silence) {
    const auto& state = loop.state();
    if (auto away = state.away(); !away.empty())
        return {.ok = false, .detail = away + "; the member has left its group: restart the service"};
    const duration silent = now - state.last_tick();
    if (silent < silence) return {.ok = true, .detail = state.findings()};
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(silent).count();
    return {.ok = false,
            .detail = "the loop has not turned for " + std::to_string(seconds) + " s: a handler blocks it"};
}

health_status readiness_of(const group_loop& loop) {
    const auto& state = loop.state();
    if (auto stopped = state.stopped(); !stopped.empty())
        return {.ok = false, .detail = "stopped at " + stopped};
    if (auto trouble = state.trouble(); !trouble.empty()) return {.ok = false, .detail = std::move(trouble)};
    if (auto away = state.away(); !away.empty()) return {.ok = false, .detail = std::move(away)};
    if (state.is_stuck()) return {.ok = false, .detail = state.findings()};
    std::string detail = std::to_string(state.partitions()) + " partitions";
    if (const std::size_t dead = state.dead_keys())
        detail += ", " + std::to_string(dead) + " dead keys, whose records are parked";
    return {.ok = true, .detail = std::move(detail)};
}

} // namespace corvid
