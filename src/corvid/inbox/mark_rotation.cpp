// SPDX-License-Identifier: Apache-2.0
#include <corvid/inbox/mark_rotation.hpp>

namespace corvid::inbox_detail {

rotation_step next_step(const rotation_state& now) noexcept {
    if (mark_parts(now.turn).doubled()) {
        if (!now.barrier_set) return rotation_step::set_barrier;
        return now.barrier_passed ? rotation_step::end_turn : rotation_step::wait;
    }
    if (!now.spare_empty) return rotation_step::empty_spare;
    return now.age >= now.retention ? rotation_step::begin_turn : rotation_step::rest;
}

} // namespace corvid::inbox_detail
