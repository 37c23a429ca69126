// SPDX-License-Identifier: Apache-2.0
#include <corvid/inbox/offset_run.hpp>

#include <corvid/inbox/write_effects.hpp>

#include <algorithm>

namespace corvid::inbox_detail {

void offset_run::add(offset_effect what) {
    if (what.offset < next_) {
        settled_.push_back({what.tag, processing::already_processed});
        return;
    }
    if (held_ == what.offset) held_.reset();
    if (const auto known = effects_.find(what.offset); known != effects_.end()) {
        if (taken_ && what.offset < taken_->last) return; // it is under way
        remove(known);
    }
    bytes_ += what.unit.bytes();
    const std::int64_t offset = what.offset;
    effects_.emplace(offset, std::move(what));
}

void offset_run::drop(std::int64_t offset) {
    if (held_ == offset) held_.reset();
    if (const auto behind = cuts_.upper_bound(offset); behind != cuts_.end()) cuts_.erase(behind);
    if (const auto known = effects_.find(offset); known != effects_.end()) remove(known);
}

void offset_run::remove(std::map<std::int64_t, offset_effect>::iterator which) {
    bytes_ -= which->second.unit.bytes();
    effects_.erase(which);
}

void offset_run::complete(std::int64_t offset, steady_time now) {
    if (offset <= completed_) return;
    if (completed_ == next_) since_ = now;
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

void offset_run::committed(steady_time now) {
    since_ = now;
    next_ = taken_->last;
    for (const offset_effect* each : taken_->effects)
        settled_.push_back({each->tag, processing::processed});
    taken_.reset();
    while (!effects_.empty() && effects_.begin()->first < next_)
        remove(effects_.begin());
    cuts_.erase(cuts_.begin(), cuts_.upper_bound(next_));
    attempts_ = failures_ = 0;
    limit_ = std::min(settings_.max_records, limit_ * 2);
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
        trouble(why, false, now, random01); // the row alone: nobody's fault
    else if (count == 1)
        guilty(why, now, random01);
    else if (culprit && *culprit < count)
        cut(*culprit);
    else
        cuts_.insert(taken_->effects[count / 2]->offset);
    taken_.reset();
}

// What may pass is tried again; it holds the partition anyway.
void offset_run::guilty(const error& why, steady_time now, double random01) {
    if (why.kind() == error_kind::retriable && !settings_.retry.exhausted(++attempts_)) {
        not_before_ = now + settings_.retry.delay(attempts_, random01);
        return;
    }
    const offset_effect& refused_one = *taken_->effects.front();
    held_ = refused_one.offset;
    attempts_ = 0;
    settled_.push_back({refused_one.tag, fail(why)});
}

void offset_run::trouble(const error& why, bool sent, steady_time now, double random01) {
    not_before_ = now + settings_.retry.delay(++failures_, random01);
    limit_ = std::max<std::size_t>(1, limit_ / 2);
    if (sent && taken_ && taken_->effects.size() == 1) guilty(why, now, random01);
    taken_.reset();
}

void offset_run::give_up(const error& why) {
    for (const auto& [offset, what] : effects_)
        if (held_ != offset) settled_.push_back({what.tag, fail(why)});
    effects_.clear();
    bytes_ = 0;
}

} // namespace corvid::inbox_detail
