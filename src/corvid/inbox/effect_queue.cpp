// SPDX-License-Identifier: Apache-2.0
#include <corvid/inbox/effect_queue.hpp>

#include <algorithm>

namespace corvid {

result<void> validate(const writer_settings& settings) {
    const auto wrong = [](const char* what) { return fail(errc::invalid_setting, {.message = what}); };
    if (settings.max_records < 1 || settings.max_records > 10'000)
        return wrong("writer.max_records is not within 1 to 10000");
    if (settings.max_bytes < 1) return wrong("writer.max_bytes is 0");
    if (settings.linger.count() < 0) return wrong("writer.linger is below 0");
    if (settings.transactions < 1 || settings.transactions > 64)
        return wrong("writer.transactions is not within 1 to 64");
    return settings.retry.validate();
}

namespace inbox_detail {

void effect_queue::add(effect what, steady_time now) {
    if (closed(what.lane)) {
        settle(what, fail(errc::effect_held));
        return;
    }
    bytes_ += what.bytes();
    waiting_.push_back({std::move(what), now});
}

void effect_queue::reopen(std::uint64_t lane) { troubled_.erase(lane); }

bool effect_queue::rests(std::uint64_t lane, steady_time now) const {
    const auto found = troubled_.find(lane);
    return found != troubled_.end() && now < found->second.rests_until;
}

std::optional<steady_time> effect_queue::due(steady_time now) const {
    if (busy() || waiting_.empty()) return std::nullopt;
    std::optional<steady_time> earliest;
    const auto consider = [&](steady_time when) { earliest = std::min(earliest.value_or(when), when); };
    for (const entry& each : waiting_) {
        const auto trouble = troubled_.find(each.what.lane);
        const steady_time rested = trouble == troubled_.end() ? steady_time{} : trouble->second.rests_until;
        const steady_time lingered = flushed_ || full() ? now : each.since + settings_.linger;
        consider(std::max({rested, lingered, not_before_}));
        if (trouble == troubled_.end()) break; // those behind it are not earlier
    }
    return earliest;
}

std::vector<effect> effect_queue::take(steady_time now) {
    const auto when = due(now);
    if (!when || *when > now) return {};
    auto batch = take_batch(now);
    for (const effect& each : batch)
        ++under_way_[each.lane];
    flushed_ = flushed_ && !waiting_.empty();
    return batch;
}

// Up to the limits, from the front, without those whose lane rests.
std::vector<effect> effect_queue::take_batch(steady_time now) {
    std::vector<effect> batch;
    std::deque<entry> resting;
    under_way_since_ = now;
    std::size_t bytes = 0;
    while (!waiting_.empty() && batch.size() < limit_) {
        entry& front = waiting_.front();
        const std::size_t size = front.what.bytes();
        if (!troubled_.empty() && rests(front.what.lane, now)) {
            resting.push_back(std::move(front));
        } else {
            if (!batch.empty() && bytes + size > settings_.max_bytes) break;
            bytes += size;
            under_way_since_ = std::min(under_way_since_, front.since);
            batch.push_back(std::move(front.what));
        }
        waiting_.pop_front();
    }
    bytes_ -= bytes;
    waiting_.insert(waiting_.begin(), std::make_move_iterator(resting.begin()),
                    std::make_move_iterator(resting.end()));
    return batch;
}

void effect_queue::settle(const effect& what, result<processing> outcome) {
    settled_.push_back({what.tag, std::move(outcome)});
}

void effect_queue::written(std::vector<effect> batch, write_report report, steady_time now, double random01) {
    under_way_.clear();
    std::vector<effect> back;
    for (std::size_t i = 0; i < batch.size(); ++i) {
        write_outcome& one = report.each[i];
        using fate = write_outcome::fate;
        if (one.what == fate::unwritten ||
            (one.what == fate::again && failed_alone(batch[i], now, random01))) {
            back.push_back(std::move(batch[i]));
        } else {
            const bool failed = !one.outcome;
            if (failed)
                troubled_[batch[i].lane].closed = true;
            else
                troubled_.erase(batch[i].lane);
            settle(batch[i], std::move(one.outcome));
        }
    }
    put_back(std::move(back), now);
    note_trouble(report.trouble.has_value(), now, random01);
}

// True if it is tried once more.
bool effect_queue::failed_alone(effect& what, steady_time now, double random01) {
    if (settings_.retry.exhausted(++what.attempts)) return false;
    troubled_[what.lane].rests_until = now + settings_.retry.delay(what.attempts, random01);
    return true;
}

// Before those that came later; those of closed lanes are given back, from here and from behind.
void effect_queue::put_back(std::vector<effect> batch, steady_time now) {
    for (auto each = batch.rbegin(); each != batch.rend(); ++each) {
        bytes_ += each->bytes();
        waiting_.push_front({std::move(*each), std::min(under_way_since_, now - settings_.linger)});
    }
    const auto is_closed = [this](const entry& each) { return closed(each.what.lane); };
    if (troubled_.empty()) return;
    for (const entry& each : waiting_)
        if (is_closed(each)) {
            bytes_ -= each.what.bytes();
            settle(each.what, fail(errc::effect_held));
        }
    std::erase_if(waiting_, is_closed);
}

void effect_queue::note_trouble(bool trouble, steady_time now, double random01) {
    if (!trouble) {
        failures_ = 0;
        limit_ = std::min(settings_.max_records, limit_ * 2);
        return;
    }
    not_before_ = now + settings_.retry.delay(++failures_, random01);
    limit_ = std::max<std::size_t>(1, limit_ / 2);
}

void effect_queue::give_up(const error& why) {
    for (const entry& each : waiting_)
        settle(each.what, fail(why));
    waiting_.clear();
    bytes_ = 0;
}

std::optional<steady_time> effect_queue::oldest() const {
    if (!busy()) return waiting_.empty() ? std::nullopt : std::optional(waiting_.front().since);
    return waiting_.empty() ? under_way_since_ : std::min(under_way_since_, waiting_.front().since);
}

bool effect_queue::closed(std::uint64_t lane) const {
    const auto found = troubled_.find(lane);
    return found != troubled_.end() && found->second.closed;
}

bool effect_queue::has(std::uint64_t lane) const {
    return under_way_.contains(lane) ||
           std::ranges::any_of(waiting_, [&](const entry& each) { return each.what.lane == lane; });
}

} // namespace inbox_detail
} // namespace corvid
