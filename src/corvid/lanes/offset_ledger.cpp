// SPDX-License-Identifier: Apache-2.0
#include <corvid/lanes/offset_ledger.hpp>

#include <algorithm>
#include <cassert>
#include <string>

namespace corvid {

namespace {

constexpr std::int64_t dense_gap = 256; // a complete gap up to this wide is marked, not skipped

constexpr std::uint64_t low_bits(std::uint64_t count) noexcept {
    return count >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
}

} // namespace

result<void> ledger_settings::validate() const {
    if (max_uncommitted >= 1) return {};
    return fail(errc::invalid_setting, {.message = "max_uncommitted is " + std::to_string(max_uncommitted),
                                        .hint = "set max_uncommitted to 1 or more (default 1048576)"});
}

void offset_ledger::assign(epoch since, offset next) noexcept {
    revoke();
    epoch_ = since;
    base_ = end_ = static_cast<std::uint64_t>(next.value);
}

void offset_ledger::revoke() noexcept {
    epoch_ = epoch::none;
    base_ = end_ = 0;
    shift_ = unfinished_ = 0;
    ring_ = {};
    skips_ = {};
    left_ = 0;
}

offset offset_ledger::track_to(offset to) {
    assert(is_assigned());
    const std::int64_t taken = std::min(to.value - end().value, room());
    if (taken > 0) {
        make_room_for(end_ - base_ + static_cast<std::uint64_t>(taken));
        end_ += static_cast<std::uint64_t>(taken);
        unfinished_ += taken;
    }
    return end();
}

void offset_ledger::skip_to(offset to) {
    assert(is_assigned());
    const std::int64_t from = end().value, width = to.value - from;
    if (width <= 0) return;
    if (base_ == end_) {
        shift_ += width;
    } else if (width <= dense_gap && width <= room()) {
        const std::uint64_t place = end_;
        track_to(to);
        set(place, width);
    } else if (!skips_.empty() && skips_.back().at == end_) {
        skips_.back().to = to.value;
    } else {
        skips_.push_back({from, to.value, end_});
    }
}

std::int64_t offset_ledger::mark(epoch since, offset first, std::int64_t count) noexcept {
    if (since != epoch_ || count <= 0) return 0;
    std::int64_t changed = 0;
    std::int64_t from = std::max(first.value, base_offset().value);
    const std::int64_t to = std::min(first.value + count, end().value);
    while (from < to) {
        const auto following = behind(from);
        const bool first_part = following == skips_.begin() + static_cast<std::ptrdiff_t>(left_);
        const std::int64_t gap_end = first_part ? from : std::max(from, std::prev(following)->to);
        if (gap_end > from) { // within a gap
            from = gap_end;
            continue;
        }
        const std::int64_t shift = first_part ? shift_ : std::prev(following)->shift();
        const std::int64_t part_end = following == skips_.end() ? to : std::min(to, following->from);
        changed += set(static_cast<std::uint64_t>(from - shift), part_end - from);
        from = part_end;
    }
    if (changed > 0) advance();
    return changed;
}

// The first skip that begins behind `which`; the one before it, if it is not left, tells the place.
std::vector<offset_ledger::skip>::const_iterator offset_ledger::behind(std::int64_t which) const noexcept {
    return std::upper_bound(skips_.begin() + static_cast<std::ptrdiff_t>(left_), skips_.end(), which,
                            [](std::int64_t o, const skip& s) { return o < s.from; });
}

std::uint64_t offset_ledger::place_of(offset which) const noexcept {
    const auto following = behind(which.value);
    if (following == skips_.begin() + static_cast<std::ptrdiff_t>(left_))
        return static_cast<std::uint64_t>(which.value - shift_);
    const skip& before = *std::prev(following);
    if (which.value < before.to) return end_; // within a gap: no place
    return static_cast<std::uint64_t>(which.value - before.shift());
}

std::int64_t offset_ledger::set(std::uint64_t place, std::int64_t count) noexcept {
    std::int64_t changed = 0;
    for (auto left = static_cast<std::uint64_t>(count); left > 0;) {
        const std::uint64_t at = place & 63U, here = std::min(left, 64 - at);
        const std::uint64_t bits = low_bits(here) << at;
        std::uint64_t& word = word_of(place);
        changed += std::popcount(bits & ~word);
        word |= bits;
        place += here;
        left -= here;
    }
    unfinished_ -= changed;
    return changed;
}

// Bits that the frontier passes become 0: their words are soon those of the end.
void offset_ledger::advance() noexcept {
    for (;;) {
        std::uint64_t& word = word_of(base_);
        const std::uint64_t at = base_ & 63U;
        const auto done = static_cast<std::uint64_t>(std::countr_one(word >> at));
        word &= ~(low_bits(done) << at);
        base_ += done;
        if (at + done < 64) break;
    }
    if (!skips_.empty()) leave_skips();
}

void offset_ledger::leave_skips() noexcept {
    while (left_ < skips_.size() && skips_[left_].at <= base_)
        shift_ = skips_[left_++].shift();
    if (left_ == skips_.size()) {
        skips_.clear();
        left_ = 0;
    } else if (left_ > 64 && left_ > skips_.size() / 2) {
        skips_.erase(skips_.begin(), skips_.begin() + static_cast<std::ptrdiff_t>(left_));
        left_ = 0;
    }
}

void offset_ledger::make_room_for(std::uint64_t places) {
    if (places <= ring_.size() * 64) return;
    std::vector<std::uint64_t> wider(std::bit_ceil((places + 63) / 64));
    for (std::uint64_t place = base_; place < end_;) {
        const std::uint64_t at = place & 63U, here = std::min(end_ - place, 64 - at);
        wider[(place >> 6U) & (wider.size() - 1)] |= word_of(place) & (low_bits(here) << at);
        place += here;
    }
    ring_ = std::move(wider);
}

} // namespace corvid
