// SPDX-License-Identifier: Apache-2.0
//
// The clock of group_loop: ticks, commits, and the way to a stop (architecture.md, decision 15):
// intake closed -> drain -> handlers asked to stop -> grace -> commit -> leave.
#include <corvid/base/post_call.hpp>
#include <corvid/consume/group_loop.hpp>

#include <algorithm>

namespace corvid {

namespace {

// While no broker answers, the client says so at least every 62 s (30 s to connect, 2 s back-off, and the
// same error not twice within 30 s).
constexpr std::chrono::seconds silence_is_health(75);

} // namespace

group_loop::commit_request::commit_request(group_loop& o) noexcept
    : offset_request([](work& w) noexcept { static_cast<commit_request&>(w).owner.commit_answered(); }),
      owner(o) {}

void group_loop::tick() noexcept {
    const auto now = loop_->steady_now();
    state_.ticked(now);
    figures_.last_poll.set(static_cast<double>(loop_->wall_now().time_since_epoch().count()) / 1000.0);
    note_progress();
    watch(now);
    count_in_hand();
    may_hurry_ = true;
    commit_now(); // while a part is given back the rest goes on
    ask_starts();
    ask_positions();
    pump_later(); // what waits for an answer that failed goes on
    if (unreachable_ && now - unreachable_at_ > silence_is_health) trouble_is_over();
    loop_->at(now + settings_.commit_every, tick_);
}

// Behind the last record markers of transactions may stand, and what compaction took away: no record comes
// of them, and they are no lag.
void group_loop::pass_over_gaps() {
    for (const auto& each : tenancies_) {
        if (!source_ || !each->is_idle() || !each->takes_in()) continue;
        const auto position = source_->progress(each->slot).position;
        if (!position || *position <= each->ledger.end()) continue;
        each->figures.gaps.add(static_cast<std::uint64_t>(position->value - each->ledger.end().value));
        each->ledger.skip_to(*position);
    }
}

void group_loop::note_progress() {
    for (auto& each : dispatchers_)
        each->note_progress();
    pass_over_gaps();
    for (const auto& each : tenancies_) {
        if (each->by.reader().commit != commit_mode::when_done) continue;
        follow(*each);
        auto next = each->ledger.is_assigned() ? each->ledger.frontier() : each->guard.position();
        if (!next && each->guard.at() == crash_guard::stage::free) next = each->position;
        if (next) commits_.advance(each->origin.where, *next, each->guard.note(*next));
    }
}

void group_loop::count_in_hand() {
    std::map<std::string_view, std::size_t> records;
    for (const auto& each : tenancies_)
        records[each->origin.where.topic.str()] += each->by.in_hand(*each);
    figures_.in_hand(records);
    std::size_t handlers = 0;
    for (const auto* all : {&tenancies_, &leftovers_})
        for (const auto& each : *all)
            handlers += each->at_work;
    state_.at_work(handlers);
    std::size_t dead = 0;
    for (const auto& each : tenancies_)
        dead += each->parks ? each->parks->keys.size() : 0;
    state_.dead_keys(dead);
}

bool group_loop::waits_for_handlers() const noexcept {
    return state_.at_work() > 0 || root_.steady_now() - state_.last_tick() > 3 * settings_.commit_every;
}

void group_loop::commit_now() {
    if (!committer_) return;
    request_.asked = commits_.begin();
    if (request_.asked.empty()) return;
    request_.offsets.clear();
    request_.failure.reset();
    for (const auto& entry : request_.asked)
        request_.offsets.push_back({.where = entry.where, .next = entry.next, .metadata = entry.note});
    trouble_since_commit_ = false;
    committer_->commit(request_);
}

void group_loop::commit_answered() noexcept {
    std::vector<commit_schedule::entry> taken;
    if (request_.failure) {
        may_hurry_ = false;
        figures_.commit_failures.add();
        log_.warn("offsets were not committed; the next commit carries them", *request_.failure);
    } else {
        for (const auto& answer : request_.offsets) {
            if (!answer.failure) {
                taken.push_back({answer.where, *answer.next, answer.metadata});
                for (const auto& each : tenancies_)
                    if (each->origin.where == answer.where) {
                        each->figures.committed.set(static_cast<double>(answer.next->value));
                        each->guard.committed(*answer.next, answer.metadata, loop_->steady_now());
                    }
                continue;
            }
            may_hurry_ = false;
            figures_.commit_failures.add();
            log_.warn("an offset was not committed", *answer.failure, {{"topic", answer.where.topic.str()}});
        }
    }
    commits_.finished(taken);
    if (!taken.empty() && unreachable_ && !trouble_since_commit_) trouble_is_over();
    if (watches_starts_) pump_later();
    if (revoking_) return try_release();
    advance_stop();
}

void group_loop::commit_up_to(topic_partition where, epoch since, offset next) {
    post_call(*loop_, [this, where = std::move(where), since, next]() noexcept {
        const bool mine =
            std::ranges::any_of(tenancies_, [&](const auto& each) { return each->which.since == since; });
        if (mine) commits_.advance(where, next);
    });
}

void group_loop::stop(std::chrono::milliseconds drain, std::chrono::milliseconds grace) {
    if (!thread_ || stop_asked_.exchange(true)) return;
    post_call(*loop_, [this, drain, grace]() noexcept { begin_stop(drain, grace); });
}

void group_loop::begin_stop(std::chrono::milliseconds drain, std::chrono::milliseconds grace) {
    if (phase_ != phase::working) return;
    phase_ = phase::draining;
    grace_ = grace;
    for (auto& each : tenancies_)
        each->by.drain(*each);
    if (revoke_timer_.pending()) loop_->cancel(revoke_timer_); // what is revoked waits as long as the stop
    loop_->at(loop_->steady_now() + drain, stop_timer_);
    if (!source_) return finish_when_idle(); // a broken client, waiting for its successor
    pump_later();
}

// Moves the stop on as far as it can go now.
void group_loop::advance_stop() {
    if (phase_ != phase::draining && phase_ != phase::grace) return;
    if (!is_drained()) {
        if (stop_timer_.pending()) return;
        if (phase_ == phase::draining) return begin_grace();
        if (end_ == loop_end::clean) end_ = loop_end::undrained;
    }
    note_progress();
    if (stop_timer_.pending()) loop_->cancel(stop_timer_);
    phase_ = phase::leaving;
    forget_search();
    source_->close(); // commits happen inside the revoke that follows
    if (revoking_) try_release();
    pump_later();
}

void group_loop::begin_grace() {
    phase_ = phase::grace;
    loop_->at(loop_->steady_now() + grace_, stop_timer_);
    for (auto& each : tenancies_) {
        each->by.cut_off(*each);
        each->stop.request(stop_reason::shutdown);
    }
    pump_later();
}

} // namespace corvid
