// SPDX-License-Identifier: Apache-2.0
#include <corvid/store/detail/pool_state.hpp>

#include <algorithm>

namespace corvid::store::detail {

pool_state::pool_state(std::size_t size, duration validate_after, exponential reconnect)
    : slots_(size), validate_after_(validate_after), reconnect_(reconnect) {
    for (slot_id slot = size; slot > 0; --slot)
        free_.push_back(slot - 1);
}

bool pool_state::give_up(waiter_id who) { return std::erase(waiting_, who) > 0; }

void pool_state::opened(slot_id slot, steady_time now) {
    --opening_;
    failures_ = 0;
    idle_.push_back({slot, now});
}

void pool_state::open_failed(slot_id slot, steady_time now, double random01) {
    --opening_;
    ++failures_;
    free_.push_back(slot);
    retry_at_ = now + reconnect_.delay(failures_, random01);
}

void pool_state::returned(slot_id slot, bool usable, steady_time now) {
    if (usable)
        idle_.push_back({slot, now});
    else
        free_.push_back(slot);
}

bool pool_state::may_open(steady_time now) const noexcept {
    if (waiting_.size() <= opening_ || free_.empty()) return false;
    return failures_ == 0 || (opening_ == 0 && now >= retry_at_);
}

std::vector<pool_state::action> pool_state::next(steady_time now) {
    std::vector<action> todo;
    while (!waiting_.empty() && !idle_.empty()) {
        const idle_slot taken = idle_.back();
        idle_.pop_back();
        todo.emplace_back(lend{waiting_.front(), taken.slot, now - taken.since >= validate_after_});
        waiting_.pop_front();
    }
    while (may_open(now)) {
        todo.emplace_back(open{free_.back()});
        free_.pop_back();
        ++opening_;
    }
    if (failures_ > 0 && opening_ == 0 && !waiting_.empty() && !free_.empty() && now < retry_at_)
        todo.emplace_back(wake{retry_at_});
    return todo;
}

} // namespace corvid::store::detail
