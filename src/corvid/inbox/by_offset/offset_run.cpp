// SPDX-License-Identifier: Apache-2.0
#include <corvid/inbox/by_offset/offset_run.hpp>

#include <corvid/inbox/write_effects.hpp>

#include <algorithm>

namespace corvid::inbox_detail {

void offset_run::add(offset_effect what) {
    if (is_under_way(what.offset) && what.offset >= next_) {
        meanwhile_.push_back(std::move(what));
        return;
    }
    if (what.offset < next_) {
        settled_.push_back({what.tag, processing::already_processed});
        return;
    }
    if (is_cut_at(what.offset)) {
        settled_.push_back({what.tag, fail(errc::effect_held)});
        return;
    }
    awaited_.erase(what.offset);
    if (const auto known = effects_.find(what.offset); known != effects_.end()) give_back(known);
    bytes_ += what.unit.bytes();
    const std::int64_t offset = what.offset;
    effects_.emplace(offset, std::move(what));
}

void offset_run::drop(std::int64_t offset) {
    awaited_.erase(offset);
    if (const auto behind = cuts_.upper_bound(offset); behind != cuts_.end()) cuts_.erase(behind);
    if (const auto known = effects_.find(offset); known != effects_.end()) give_back(known);
}

void offset_run::expect(std::int64_t first, std::int64_t last) {
    handed_in_.skip_to(offset(first));
    handed_in_.track_to(offset(last));
}

void offset_run::hand_in(offset_effect what, steady_time now) {
    const offset at(what.offset);
    if (effects_.empty()) waiting_since_ = now;
    add(std::move(what));
    handed_in_.mark(epoch{1}, at);
    complete(handed_in_.frontier()->value, now);
}

void offset_run::take_back(std::int64_t offset) {
    if (offset < next_ || is_under_way(offset)) return;
    awaited_.insert(offset);
    if (const auto known = effects_.find(offset); known != effects_.end()) give_back(known);
}

void offset_run::cut_from(std::int64_t offset) {
    cut_ = std::min(cut_, offset);
    auto each = effects_.lower_bound(taken_ ? std::max(cut_, taken_->last) : cut_);
    while (each != effects_.end())
        give_back(each++);
}

void offset_run::give_back(std::map<std::int64_t, offset_effect>::iterator which) {
    settled_.push_back({which->second.tag, fail(errc::effect_held)});
    remove(which);
}

void offset_run::remove(std::map<std::int64_t, offset_effect>::iterator which) {
    bytes_ -= which->second.unit.bytes();
    effects_.erase(which);
}

void offset_run::complete(std::int64_t offset, steady_time now) {
    if (offset <= completed_) return;
    if (completed_ <= next_) since_ = now;
    completed_ = offset;
}

std::optional<steady_time> offset_run::due() const {
    if (busy() || end() <= next_) return std::nullopt;
    const bool at_once = flushed_ || full() || !cuts_.empty();
    return std::max(at_once ? since_ : since_ + settings_.linger, not_before_);
}

std::optional<offset_run::range> offset_run::take(steady_time now) {
    const auto when = due();
    if (!when || *when > now) return std::nullopt;
    range run{next_, end(), {}};
    if (const auto cut = cuts_.upper_bound(next_); cut != cuts_.end()) run.last = std::min(run.last, *cut);
    std::size_t bytes = 0;
    for (auto& [offset, what] : effects_) {
        if (offset >= run.last) break;
        bytes += what.unit.bytes();
        const bool over = run.effects.size() == limit_ || bytes > settings_.max_bytes;
        if (over && !run.effects.empty()) {
            run.last = offset;
            break;
        }
        run.effects.push_back(&what);
    }
    flushed_ = false;
    taken_ = run;
    return run;
}

bool offset_run::is_next(std::int64_t offset) const {
    if (busy() || next_ > offset) return false;
    if (next_ == offset) return true;
    const auto waits = effects_.lower_bound(next_);
    const auto awaited = awaited_.lower_bound(next_);
    return handed_in_.frontier()->value >= offset && (waits == effects_.end() || waits->first >= offset) &&
           (awaited == awaited_.end() || *awaited >= offset);
}

bool offset_run::take_alone(std::int64_t first, std::int64_t last) {
    if (!is_next(first) || is_cut_at(last - 1)) return false;
    taken_ = range{next_, last, {}};
    return true;
}

void offset_run::committed(steady_time now) {
    since_ = waiting_since_ = now;
    for (const offset_effect* each : taken_->effects)
        settled_.push_back({each->tag, processing::processed});
    leave_all_below(taken_->last);
    attempts_ = failures_ = 0;
    limit_ = std::min(settings_.max_records, limit_ * 2);
    after_taken();
}

// What its own handler has written was handed in by nobody.
void offset_run::leave_all_below(std::int64_t next) {
    if (handed_in_.end().value > next_)
        handed_in_.mark(epoch{1}, offset(next_), std::min(next, handed_in_.end().value) - next_);
    completed_ = std::max(completed_, handed_in_.frontier()->value);
    next_ = next;
    while (!effects_.empty() && effects_.begin()->first < next_)
        remove(effects_.begin());
    cuts_.erase(cuts_.begin(), cuts_.upper_bound(next_));
    awaited_.erase(awaited_.begin(), awaited_.lower_bound(next_));
}

void offset_run::moved_to(std::int64_t row) {
    for (const auto& [offset, what] : effects_)
        if (offset < row) settled_.push_back({what.tag, processing::already_processed});
    leave_all_below(row);
    after_taken();
}

void offset_run::put_back() { after_taken(); }

void offset_run::after_taken() {
    taken_.reset();
    cut_from(cut_);
    for (offset_effect& each : std::exchange(meanwhile_, {}))
        add(std::move(each));
}

// Around the one that is named, or in the middle.
void offset_run::cut(std::size_t index) {
    const auto& effects = taken_->effects;
    cuts_.insert(effects[index]->offset);
    if (index + 1 < effects.size()) cuts_.insert(effects[index + 1]->offset);
}

void offset_run::refused(std::optional<std::size_t> culprit, const error& why, steady_time now,
                         double random01) {
    const std::size_t count = taken_->effects.size();
    if (count == 0)
        return trouble(why, false, now, random01); // the row alone: nobody's fault
    else if (count == 1)
        guilty(why, now, random01);
    else if (culprit && *culprit < count)
        cut(*culprit);
    else
        cuts_.insert(taken_->effects[count / 2]->offset);
    after_taken();
}

// What may pass is tried again; it holds the partition anyway.
void offset_run::guilty(const error& why, steady_time now, double random01) {
    if (why.kind() == error_kind::retriable && !settings_.retry.exhausted(++attempts_)) {
        not_before_ = now + settings_.retry.delay(attempts_, random01);
        return;
    }
    const offset_effect& refused_one = *taken_->effects.front();
    attempts_ = 0;
    settled_.push_back({refused_one.tag, fail(why)});
    awaited_.insert(refused_one.offset);
    remove(effects_.find(refused_one.offset));
}

void offset_run::trouble(const error& why, bool sent, steady_time now, double random01) {
    not_before_ = now + settings_.retry.delay(++failures_, random01);
    limit_ = std::max<std::size_t>(1, limit_ / 2);
    if (sent && taken_ && taken_->effects.size() == 1) guilty(why, now, random01);
    after_taken();
}

} // namespace corvid::inbox_detail
