// SPDX-License-Identifier: Apache-2.0
#include "retention_check.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <unordered_map>

namespace corvid::faults {
namespace {

double quantile(std::vector<double> of, double share) {
    if (of.empty()) return 0;
    const auto place = static_cast<std::ptrdiff_t>(share * static_cast<double>(of.size() - 1));
    std::ranges::nth_element(of, of.begin() + place);
    return of[static_cast<std::size_t>(place)];
}

double latency(const marked_event& of) {
    return of.settled < 0 ? std::numeric_limits<double>::infinity() : of.settled - of.sent;
}

void count_effects(const retention_history& of, const retention_limits& limits, retention_findings& found) {
    std::unordered_map<std::uint32_t, double> first_sent;
    std::unordered_map<std::uint32_t, std::uint64_t> may_have, has;
    const auto turns_until = [&](double when) { return std::ranges::upper_bound(of.turned, when); };
    for (const std::uint32_t id : of.effects)
        ++has[id];
    for (const marked_event& each : of.events) {
        const auto [first, is_first] = first_sent.try_emplace(each.id, each.sent);
        const bool is_late = !is_first && latency(each) + each.sent - first->second > limits.retention_s;
        found.repeats += !is_first;
        found.across += !is_first && turns_until(first->second) != turns_until(each.sent);
        found.late += is_late;
        may_have[each.id] += is_first || is_late;
    }
    for (const auto& [id, most] : may_have) {
        const std::uint64_t had = has[id];
        found.lost += had == 0;
        found.twice += had > most ? had - most : 0;
    }
}

// Windows that lie wholly before, beside or after the reader.
latency_curve curve_of(const std::vector<marked_event>& events, const retention_history& of, double window) {
    latency_curve curve;
    std::map<std::size_t, std::vector<double>> windows;
    for (const marked_event& each : events) {
        windows[static_cast<std::size_t>(each.sent / window)].push_back(latency(each));
        curve.longest_s = std::max(curve.longest_s, latency(each));
    }
    std::vector<double> before, beside, after;
    for (const auto& [number, all] : windows) {
        const double p99 = quantile(all, 0.99), from = static_cast<double>(number) * window;
        curve.p99_s.push_back(p99);
        if (from + window <= of.reader_from)
            before.push_back(p99);
        else if (from >= of.reader_from && from + window <= of.reader_to)
            beside.push_back(p99);
        else if (from >= of.reader_to)
            after.push_back(p99);
    }
    curve.before_s = quantile(std::move(before), 0.5);
    curve.beside_s = quantile(std::move(beside), 0.5);
    curve.after_s = quantile(std::move(after), 0.5);
    return curve;
}

bool has_drifted(double before, double now, double others_before, double others_now,
                 const retention_limits& limits) {
    const double machine = limits.drift * std::max(0.0, others_now - others_before);
    return now > std::max(limits.drift * before, limits.quick_s) + machine;
}

} // namespace

retention_findings judge(const retention_history& of, const retention_limits& limits) {
    retention_findings found;
    count_effects(of, limits, found);
    const latency_curve& events = found.events = curve_of(of.events, of, limits.window_s);
    const latency_curve& others = found.others = curve_of(of.others, of, limits.window_s);
    const std::uint64_t most_dead = (of.turned.size() + 1) * limits.dead_rows_a_turn;
    const auto check = [&](const char* name, bool holds) {
        if (!holds) found.wrong.emplace_back(name);
    };
    check("lost", found.lost == 0);
    check("twice", found.twice == 0);
    check("stall", std::max(of.writer_wait_s, of.reader_wait_s) <= limits.stall_s &&
                       events.longest_s <= limits.stall_s + others.longest_s);
    check("drift",
          !has_drifted(events.before_s, events.beside_s, others.before_s, others.beside_s, limits) &&
              !has_drifted(events.before_s, events.after_s, others.before_s, others.after_s, limits));
    check("dead", of.dead_rows <= most_dead);
    check("kept", of.oldest_mark_s <= limits.kept_s);
    return found;
}

std::string retention_findings::text() const {
    std::string all;
    for (const std::string& each : wrong)
        all += (all.empty() ? "" : ", ") + each;
    return all;
}

} // namespace corvid::faults
