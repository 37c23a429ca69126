// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/failure.hpp>

namespace corvid {

failure_action decide(const outcome& what, int attempt, const failure_settings& settings, double random) {
    if (what == verdict::stop) return stop_service{};
    if (what == verdict::retry && !settings.retry.exhausted(attempt))
        return retry_after{settings.retry.delay(attempt, random)};
    if (settings.rejected == rejected_policy::pass_over) return pass_over{};
    return stop_partition{};
}

} // namespace corvid
