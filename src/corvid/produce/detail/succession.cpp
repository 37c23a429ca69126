// SPDX-License-Identifier: Apache-2.0
#include <corvid/produce/detail/succession.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace corvid::detail {

void succession::begin() {
    const std::lock_guard lock(mutex_);
    is_taken_ = false;
    if (!shut_) open_.store(true, std::memory_order_release);
}

// Under the lock that take() ends it with: who finds it closed and the record's sink in use is before
// begin().
bool succession::hold(const broker::outgoing& record) {
    const std::lock_guard lock(mutex_);
    if (shut_ || (!open_.load(std::memory_order_relaxed) && !is_current_(record))) return false;
    open_.store(true, std::memory_order_release);
    held_.push_back(copy_of(record));
    return true;
}

bool succession::inherit(const broker::outgoing& record) {
    const std::lock_guard lock(mutex_);
    if (shut_ || is_taken_ || !open_.load(std::memory_order_relaxed)) return false;
    inherited_.push_back(copy_of(record));
    return true;
}

std::deque<succession::held> succession::take() {
    const std::lock_guard lock(mutex_);
    is_taken_ = true;
    if (inherited_.empty() && held_.empty()) open_.store(false, std::memory_order_release);
    return all();
}

bool succession::put_back(std::deque<held>& rest) {
    const std::lock_guard lock(mutex_);
    if (shut_) return false;
    held_.insert(held_.begin(), std::move_iterator(rest.begin()), std::move_iterator(rest.end()));
    rest.clear();
    return true;
}

std::deque<succession::held> succession::shut() {
    const std::lock_guard lock(mutex_);
    shut_ = true;
    open_.store(false, std::memory_order_release);
    return all();
}

succession::held succession::copy_of(const broker::outgoing& record) {
    held one{.record = record, .bytes = nullptr};
    one.bytes = std::make_unique<record_copy>(one.record);
    return one;
}

std::deque<succession::held> succession::all() {
    std::deque<held> first = std::exchange(inherited_, {});
    std::ranges::move(held_, std::back_inserter(first));
    held_.clear();
    return first;
}

} // namespace corvid::detail
