// SPDX-License-Identifier: Apache-2.0
#include <corvid/memory/detail/partition_log.hpp>

#include <algorithm>
#include <cstring>
#include <limits>

namespace corvid::memory {

namespace {

constexpr std::size_t smallest_segment = std::size_t{16} << 10;
constexpr std::size_t largest_segment = std::size_t{1} << 20;

} // namespace

std::byte* partition_log::room(std::size_t stride) {
    if (segments_.empty() || segments_.back()->capacity - segments_.back()->used < stride) {
        const std::size_t usual =
            segments_.empty() ? smallest_segment : std::min(2 * segments_.back()->capacity, largest_segment);
        const std::size_t capacity = std::max(usual, stride);
        segments_.push_back(std::make_shared<segment>(end_, capacity));
        bytes_ += capacity;
        while (retain_ != 0 && bytes_ > retain_ && segments_.size() > 1) {
            begin_ = std::max(begin_, segments_[1]->base);
            drop_segments_before(begin_);
        }
    }
    segment& last = *segments_.back();
    std::byte* place = last.bytes() + last.used;
    last.used += stride;
    return place;
}

std::int64_t partition_log::appended(frame& made, std::int64_t timestamp) {
    made.offset = last_ = end_++;
    made.timestamp = timestamp;
    wake_locked();
    return made.offset;
}

std::int64_t partition_log::append(const broker::outgoing& from, std::int64_t timestamp) {
    const std::size_t stride = frame_stride(from);
    const std::lock_guard lock(mutex_);
    return appended(write_frame(room(stride), from), timestamp);
}

std::int64_t partition_log::append(const frame& from, std::int64_t timestamp) {
    const std::size_t stride = from.stride();
    const std::lock_guard lock(mutex_);
    auto* made = reinterpret_cast<frame*>(std::memcpy(room(stride), &from, stride));
    return appended(*made, timestamp);
}

void partition_log::skip(std::int64_t count) {
    const std::lock_guard lock(mutex_);
    end_ += count;
}

void partition_log::delete_before(std::int64_t offset) {
    const std::lock_guard lock(mutex_);
    begin_ = std::clamp(offset, begin_, end_);
    drop_segments_before(begin_);
    wake_locked();
}

void partition_log::drop_segments_before(std::int64_t offset) {
    while (segments_.size() > 1 && segments_[1]->base <= offset) {
        bytes_ -= segments_.front()->capacity;
        segments_.pop_front();
        ++first_sequence_;
    }
}

broker::log_range partition_log::range() const {
    const std::lock_guard lock(mutex_);
    return {.begin = offset(begin_), .end = offset(end_)};
}

log_cursor partition_log::find_locked(std::int64_t offset) const {
    const auto behind =
        std::ranges::upper_bound(segments_, offset, {}, [](const auto& one) { return one->base; });
    if (behind == segments_.begin()) return {.next = offset, .segment = first_sequence_, .position = 0};
    const segment& in = **std::prev(behind);
    std::size_t position = 0;
    while (position < in.used && in.at(position).offset < offset)
        position += in.at(position).stride();
    const auto index = static_cast<std::uint64_t>(behind - segments_.begin() - 1);
    return {.next = offset, .segment = first_sequence_ + index, .position = position};
}

std::optional<log_cursor> partition_log::find(std::int64_t offset) const {
    const std::lock_guard lock(mutex_);
    if (offset < begin_ || offset > end_) return std::nullopt;
    return find_locked(offset);
}

log_cursor partition_log::first() const {
    const std::lock_guard lock(mutex_);
    return find_locked(begin_);
}

log_cursor partition_log::last() const {
    const std::lock_guard lock(mutex_);
    return find_locked(end_);
}

// Moves a cursor that stands behind a segment's last frame to the next segment; null where nothing waits.
const segment* partition_log::settle(log_cursor& at) const {
    while (at.segment < end_sequence()) {
        const segment& in = *segments_[static_cast<std::size_t>(at.segment - first_sequence_)];
        if (at.position < in.used) return &in;
        if (at.segment + 1 == end_sequence()) return nullptr;
        ++at.segment;
        at.position = 0;
    }
    return nullptr;
}

void partition_log::take_locked(log_cursor& from, std::size_t most, taken& into) const {
    const segment* owner = nullptr;
    while (into.records.size() < most) {
        const segment* in = settle(from);
        if (!in) {
            from.next = end_; // the gap before the end is passed, too
            return;
        }
        if (in != owner) {
            owner = in;
            into.owners.push_back(segments_[static_cast<std::size_t>(from.segment - first_sequence_)]);
        }
        const frame& one = in->at(from.position);
        into.records.push_back(one.view());
        from.position += one.stride();
        from.next = one.offset + 1;
    }
}

void partition_log::take(log_cursor& from, std::size_t most, taken& into, log_reader& who) {
    const std::lock_guard lock(mutex_);
    if (!stopped_) {
        if (from.next < begin_) {
            into.out_of_range = true;
            return;
        }
        if (from.segment < first_sequence_) from = find_locked(from.next);
        take_locked(from, most, into);
    }
    if (into.records.empty()) who.wants_to_know_ = true;
}

void partition_log::read_all(taken& into) const {
    const std::lock_guard lock(mutex_);
    log_cursor from = find_locked(begin_);
    take_locked(from, std::numeric_limits<std::size_t>::max(), into);
}

std::int64_t partition_log::end_of_records() const {
    const std::lock_guard lock(mutex_);
    return last_ < begin_ ? 0 : last_ + 1;
}

std::int64_t partition_log::position(const log_cursor& of) const {
    const std::lock_guard lock(mutex_);
    log_cursor copy = of;
    if (of.next < begin_ || of.segment < first_sequence_) return of.next;
    return settle(copy) ? of.next : end_;
}

void partition_log::add_reader(log_reader& who) {
    const std::lock_guard lock(mutex_);
    who.wants_to_know_ = true;
    readers_.push_back(&who);
}

void partition_log::remove_reader(log_reader& who) {
    const std::lock_guard lock(mutex_);
    std::erase(readers_, &who);
}

void partition_log::stop_readers(bool stop) {
    const std::lock_guard lock(mutex_);
    stopped_ = stop;
    if (!stop) wake_locked();
}

void partition_log::wake_readers() {
    const std::lock_guard lock(mutex_);
    wake_locked();
}

void partition_log::wake_locked() {
    for (log_reader* one : readers_)
        if (std::exchange(one->wants_to_know_, false)) one->records_wait();
}

} // namespace corvid::memory
