// SPDX-License-Identifier: Apache-2.0
#include <corvid/memory/detail/inbox.hpp>

#include <algorithm>

namespace corvid::memory {

void inbox::push(notice what) {
    const std::lock_guard lock(mutex_); // while it is held the source, and so its loop, is there
    if (is_gone_ || (is_cut() && !std::holds_alternative<broker::closed>(what))) return;
    notices_.push_back(std::move(what));
    wake();
}

void inbox::detach() noexcept {
    listener_ = nullptr;
    const std::lock_guard lock(mutex_);
    is_gone_ = true;
}

partitions_moved* inbox::find(bool revoke) noexcept {
    for (notice& one : notices_)
        if (auto* moved = std::get_if<partitions_moved>(&one); moved && moved->revoke == revoke) return moved;
    return nullptr;
}

std::vector<topic_partition> inbox::take_back_given() {
    const std::lock_guard lock(mutex_);
    std::vector<topic_partition> back;
    std::erase_if(notices_, [&](const notice& one) {
        const auto* moved = std::get_if<partitions_moved>(&one);
        if (!moved || moved->revoke) return false;
        back.insert(back.end(), moved->partitions.begin(), moved->partitions.end());
        return true;
    });
    return back;
}

void inbox::lose_revoked() {
    const std::lock_guard lock(mutex_);
    if (partitions_moved* waiting = find(true)) waiting->lost = true;
}

void inbox::cut() {
    const std::lock_guard lock(mutex_);
    notices_.clear();
    cut_.store(true, std::memory_order_relaxed);
}

std::optional<notice> inbox::pop() {
    const std::lock_guard lock(mutex_);
    if (notices_.empty()) return std::nullopt;
    std::optional<notice> first(std::move(notices_.front()));
    notices_.pop_front();
    return first;
}

} // namespace corvid::memory
