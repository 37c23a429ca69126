// SPDX-License-Identifier: Apache-2.0
#include <corvid/lanes/lane_set.hpp>

#include <corvid/base/scheduler.hpp>

#include <algorithm>
#include <array>
#include <cassert>

namespace corvid {

namespace {

// Callers' hashes may be as plain as the key itself: all bits count here (the finaliser of MurmurHash3).
std::uint64_t mixed(std::uint64_t hash, std::uint64_t scope) noexcept {
    hash ^= (scope + 1) * 0x9e3779b97f4a7c15U;
    hash = (hash ^ (hash >> 33U)) * 0xff51afd7ed558ccdU;
    hash = (hash ^ (hash >> 33U)) * 0xc4ceb9fe1a85ec53U;
    return hash ^ (hash >> 33U);
}

} // namespace

void ready_list::push(lane& one) noexcept {
    one.next_ = nullptr;
    one.previous_ = tail_;
    (tail_ ? tail_->next_ : head_) = &one;
    tail_ = &one;
    ++size_;
    records_ += one.length_;
}

void ready_list::remove(lane& one) noexcept {
    (one.previous_ ? one.previous_->next_ : head_) = one.next_;
    (one.next_ ? one.next_->previous_ : tail_) = one.previous_;
    --size_;
    records_ -= one.length_;
}

void ready_list::prefetch() const noexcept {
    if (!head_) return;
    corvid::prefetch(head_->head_, 384);
    if (const lane* const second = head_->next_) corvid::prefetch(second, sizeof(lane));
}

lane_set::~lane_set() {
    table_.for_each([this](lane& one) { pool_.give_back(one); });
}

void lane_set::foresee(std::span<const lane_record* const> records) const noexcept {
    constexpr std::size_t at_once = 32;
    std::array<std::uint64_t, at_once> hashes{};
    for (; !records.empty(); records = records.subspan(std::min(at_once, records.size()))) {
        const std::size_t count = std::min(at_once, records.size());
        for (std::size_t i = 0; i < count; ++i)
            table_.prefetch(hashes[i] = identity_of(*records[i]).hash);
        for (std::size_t i = 0; i < count; ++i)
            if (const lane* const its = table_.likely(hashes[i])) prefetch(its, sizeof(lane));
        for (std::size_t i = 0; i < count; ++i)
            if (const lane* const its = table_.likely(hashes[i])) prefetch(its->tail_, sizeof(lane_record));
        for (std::size_t i = 0; i < count; ++i)
            if (const lane* const its = table_.likely(hashes[i])) prefetch(its->tail_->key.data(), 1);
    }
}

lane_table::identity lane_set::identity_of(const lane_record& record) const noexcept {
    if (order_ == by_key && record.key.has_value())
        return {mixed(record.hash, record.scope), record.key, record.scope};
    return {mixed(record.from.partition, ~std::uint64_t{0}), nullptr, record.from.partition};
}

lane& lane_set::add(lane_record& record) {
    const auto id = identity_of(record);
    lane* one = table_.find(id);
    if (!one) {
        one = &pool_.get();
        one->hash_ = id.hash;
        one->scope_ = id.scope;
        one->keyed_ = id.key.has_value();
        try {
            table_.insert(*one);
        } catch (...) {
            pool_.give_back(*one);
            throw;
        }
        become_ready(*one);
    }
    link(*one, record);
    ++records_;
    return *one;
}

lane& lane_set::add_at_work(lane_record& record) {
    assert(order_ != unordered && !find(record));
    lane& one = add(record);
    ready_.remove(one);
    static_cast<void>(start(one, 1));
    return one;
}

void lane_set::join_work(lane& running, lane_record& record) {
    assert(running.state_ == lane::state::running && running.at_work_ == running.length_);
    link(running, record);
    ++running.at_work_;
    ++records_;
}

lane_run lane_set::take(std::size_t most) noexcept {
    lane* const one = ready_.front();
    if (!one) return {};
    ready_.remove(*one);
    ready_.prefetch();
    return order_ == unordered ? take_unordered(*one, most) : start(*one, most);
}

lane_run lane_set::take_front(lane& blocked, std::size_t most) noexcept {
    assert(blocked.state_ == lane::state::blocked);
    return start(blocked, most);
}

std::uint32_t lane_set::of_one_assignment(const lane& one, std::size_t most) noexcept {
    std::uint32_t count = 1;
    for (const lane_record* last = one.head_; count < most && last->next_; ++count) {
        last = last->next_;
        if (last->from != one.head_->from) break;
    }
    return count;
}

lane_run lane_set::start(lane& one, std::size_t most) noexcept {
    one.state_ = lane::state::running;
    one.at_work_ = one.mixed_ ? of_one_assignment(one, most)
                              : static_cast<std::uint32_t>(std::min<std::size_t>(most, one.length_));
    return {.of = &one, .first = one.head_, .count = one.at_work_};
}

lane_run lane_set::take_unordered(lane& one, std::size_t most) noexcept {
    lane_run run = start(one, most);
    finish(one, run.count);
    run.of = nullptr;
    return run;
}

void lane_set::complete(lane& running, std::size_t n) noexcept {
    assert(n < running.at_work_);
    drop(running, n);
}

void lane_set::narrow(lane& running, std::size_t n) noexcept {
    assert(n > 0 && n <= running.at_work_);
    running.at_work_ = static_cast<std::uint32_t>(n);
}

bool lane_set::finish(lane& running, std::size_t n) noexcept {
    assert(running.state_ == lane::state::running && n <= running.at_work_);
    drop(running, n);
    running.at_work_ = 0;
    running.stalled_ = false;
    if (!running.head_) {
        end(running);
        return false;
    }
    become_ready(running);
    return true;
}

void lane_set::block(lane& running) noexcept {
    assert(running.state_ == lane::state::running && running.head_);
    running.at_work_ = 0;
    running.stalled_ = false;
    running.state_ = lane::state::blocked;
}

void lane_set::unblock(lane& blocked) noexcept {
    assert(blocked.state_ == lane::state::blocked);
    become_ready(blocked);
}

void lane_set::become_ready(lane& one) noexcept {
    one.state_ = lane::state::ready;
    ready_.push(one);
}

void lane_set::end(lane& one) noexcept {
    table_.erase(one);
    pool_.give_back(one);
}

void lane_set::link(lane& to, lane_record& record) noexcept {
    record.lane_ = &to;
    record.next_ = nullptr;
    record.previous_ = to.tail_;
    (to.tail_ ? to.tail_->next_ : to.head_) = &record;
    to.tail_ = &record;
    to.mixed_ |= to.length_ > 0 && to.newest_ != record.from;
    to.newest_ = record.from;
    ++to.length_;
    if (to.state_ == lane::state::ready) ready_.one_more();
}

// Takes the first n records out; they stay linked with one another.
void lane_set::drop(lane& from, std::size_t n) noexcept {
    lane_record* last = nullptr;
    for (std::size_t i = 0; i < n; ++i) {
        last = from.head_;
        last->lane_ = nullptr;
        from.head_ = last->next_;
    }
    if (last) last->next_ = nullptr;
    (from.head_ ? from.head_->previous_ : from.tail_) = nullptr;
    from.length_ -= static_cast<std::uint32_t>(n);
    from.at_work_ -= static_cast<std::uint32_t>(n);
    records_ -= n;
}

void lane_set::unlink(lane_record& record) noexcept {
    lane& from = *record.lane_;
    (record.previous_ ? record.previous_->next_ : from.head_) = record.next_;
    (record.next_ ? record.next_->previous_ : from.tail_) = record.previous_;
    record.lane_ = nullptr;
    record.previous_ = nullptr;
    --from.length_;
    --records_;
    if (from.state_ == lane::state::ready) ready_.one_less();
}

void lane_set::replace(lane_record& old, lane_record& by) noexcept {
    const optional_bytes key = by.key;
    assert(old.lane_ && key.has_value() == old.key.has_value() && key.size() == old.key.size());
    by = old;
    by.key = key;
    lane& in = *by.lane_;
    (by.previous_ ? by.previous_->next_ : in.head_) = &by;
    (by.next_ ? by.next_->previous_ : in.tail_) = &by;
    old.lane_ = nullptr;
    old.next_ = old.previous_ = nullptr;
    old.budget_ = budget::none;
}

// Lanes leave the table only after it was walked; until then they are chained by the link of ready lanes.
record_chain lane_set::revoke(assignment which) noexcept {
    record_chain out;
    lane* ended = nullptr;
    table_.for_each([&](lane& one) {
        lane_record* at = one.head_;
        for (std::size_t i = 0; i < one.at_work_; ++i)
            at = at->next_;
        const lane_record* const first = one.head_;
        while (at) {
            lane_record& record = *at;
            at = at->next_;
            if (record.from != which) continue;
            unlink(record);
            out.push(record);
        }
        if (one.state_ == lane::state::running) return;
        if (one.head_) {
            if (one.state_ == lane::state::blocked && one.head_ != first) become_ready(one);
            return;
        }
        if (one.state_ == lane::state::ready) ready_.remove(one);
        one.next_ = ended;
        ended = &one;
    });
    while (ended) {
        lane& one = *ended;
        ended = ended->next_;
        end(one);
    }
    return out;
}

lane* lane_set::beginning_with(assignment from, offset which) const noexcept {
    lane* found = nullptr;
    table_.for_each([&](lane& one) {
        if (one.head_->from == from && one.head_->offset == which.value) found = &one;
    });
    return found;
}

std::size_t lane_set::bytes() const noexcept {
    return table_.capacity() * sizeof(void*) * 2 + (pool_.in_use() + pool_.spare()) * sizeof(lane);
}

} // namespace corvid
