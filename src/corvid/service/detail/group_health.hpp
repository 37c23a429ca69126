// SPDX-License-Identifier: Apache-2.0
//
// What the probes say of one group. Any thread.
#pragma once

#include <corvid/consume/group_loop.hpp>
#include <corvid/observe/health.hpp>

namespace corvid {

/// Not live: nothing in this process will mend it. `silence`: so long the loop may go without a turn.
[[nodiscard]] health_status liveness_of(const group_loop& loop, steady_time now, duration silence);
/// Not ready: work does not get on, and a restart need not help.
[[nodiscard]] health_status readiness_of(const group_loop& loop);

} // namespace corvid
