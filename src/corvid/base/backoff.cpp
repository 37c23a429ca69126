// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/backoff.hpp>

#include <algorithm>
#include <cmath>
#include <string>

namespace corvid {

namespace {

std::string in_ms(duration span) {
    return std::to_string(std::chrono::duration<double, std::milli>(span).count()) + " ms";
}

std::unexpected<error> wrong(const std::string& member, const std::string& has, const std::string& needs) {
    return fail(errc::invalid_setting,
                {.message = member + " is " + has, .hint = "set " + member + " " + needs});
}

} // namespace

// In double: infinity, where the power leaves its range, is cut like any other value above the cap.
duration exponential::delay(int attempt, double random01) const noexcept {
    const double longest = static_cast<double>(cap.count());
    const double grown = static_cast<double>(first.count()) * std::pow(factor, std::max(attempt, 1) - 1);
    const double base = std::min(grown, longest / (1 + jitter));
    const double spread = base * (1 + jitter * (2 * random01 - 1));
    return spread < longest ? duration(static_cast<duration::rep>(std::max(spread, 0.0))) : cap;
}

result<void> exponential::validate() const {
    if (first <= duration::zero()) return wrong("first", in_ms(first), "above 0");
    if (!(factor >= 1) || !std::isfinite(factor))
        return wrong("factor", std::to_string(factor), "to 1 or more");
    if (limit < 1) return wrong("limit", std::to_string(limit), "to 1 attempt or more");
    if (!(jitter >= 0 && jitter < 1)) return wrong("jitter", std::to_string(jitter), "from 0 up to below 1");
    if (cap >= first) return {};
    return fail(errc::conflicting_settings,
                {.message = "cap (" + in_ms(cap) + ") is below first (" + in_ms(first) + ")",
                 .hint = "set cap to first or more"});
}

} // namespace corvid
