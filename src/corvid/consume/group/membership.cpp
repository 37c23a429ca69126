// SPDX-License-Identifier: Apache-2.0
//
// The group's side of group_loop: assigned, revoked, lost; a client that broke, and its successor.
#include <corvid/consume/group_loop.hpp>
#include <corvid/consume/shapes/completion_stage.hpp>

#include <algorithm>

namespace corvid {

namespace {

bool is_of(const error& why, const topic_partition& where) {
    return why.partition() == where.partition.value && why.topic() == where.topic.str();
}

} // namespace

// Dense, and the partition's for ever: by it a key's lock outlives the assignment.
std::uint32_t group_loop::number_of(const topic_partition& where) {
    return numbers_.emplace(where, static_cast<std::uint32_t>(numbers_.size())).first->second;
}

void group_loop::begin_tenancy(const broker::assigned_partition& given) {
    const auto its = topics_.find(given.where.topic);
    dispatcher& by = *dispatchers_[its ? its->subscription : 0];
    epochs_ = next(epochs_);
    auto& fresh = *tenancies_.emplace_back(std::make_unique<tenancy>(
        assignment{number_of(given.where), epochs_}, given, group(), log_, by, by.window()));
    fresh.origin.out = settings_.producer;
    fresh.figures = figures_.of(given.where, by.reader().name);
    fresh.mine_since = loop_->steady_now();
    if (!its) return; // stop_what_nobody_reads() follows
    fresh.home = its->home;
    fresh.tier = its->tier;
    if (by.reader().failure.rejected == when_rejected::park_key)
        by.park_keys(fresh, cluster_, *this, *settings_.producer);
    if (by.reader().completes) fresh.keeper = by.reader().completes->positions();
    if (by.reader().commit == commit_mode::when_done) fresh.guard = crash_guard(settings_.crashes);
}

void group_loop::on(broker::assigned& event) {
    std::vector<broker::start_at> starts;
    for (auto& which : event.partitions) {
        starts.push_back({.id = which.id});
        begin_tenancy(which);
        tenancies_.back()->by.assigned(*tenancies_.back());
    }
    for (auto& each : dispatchers_)
        each->share_between(sharing(*each));
    stop_what_nobody_reads();
    log_.info("partitions assigned", {{"partitions", event.partitions.size()}});
    figures_.assigned.add();
    figures_.partitions.set(static_cast<double>(tenancies_.size()));
    state_.assigned(tenancies_.size());
    unreachable_.reset();
    if (refused_ &&
        (refused_->topic().empty() || std::ranges::any_of(event.partitions, [&](const auto& which) {
             return which.where.topic.str() == refused_->topic();
         })))
        refused_.reset();
    tell_trouble();
    reopen_after_ = settings_.reopen_first;
    accept(std::move(starts));
    ask_starts();
    if (!tenancies_.empty() && !was_assigned_.is_set()) was_assigned_.set();
}

std::size_t group_loop::sharing(const dispatcher& by) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(tenancies_, [&](const auto& each) { return &each->by == &by; }));
}

bool group_loop::is_revoked(const tenancy& which) const {
    return revoking_ && std::ranges::any_of(revoking_->partitions,
                                            [&](const auto& each) { return each.id == which.slot; });
}

void group_loop::on(broker::revoked& event) {
    log_.info("partitions revoked", {{"partitions", event.partitions.size()}, {"lost", event.lost}});
    (event.lost ? figures_.lost : figures_.revoked).add();
    revoking_ = std::move(event);
    final_commits_ = 0;
    bool waits = false;
    for (auto& each : tenancies_) {
        if (!is_revoked(*each)) continue;
        revoking_->lost ? each->by.cut_off(*each) : each->by.drain(*each);
        if (revoking_->lost) each->stop.request(stop_reason::revoked);
        waits |= !each->is_drained();
    }
    if (!revoking_->lost && phase_ == phase::working && waits && !revoke_timer_.pending())
        loop_->at(loop_->steady_now() + drain_of_a_revoke(), revoke_timer_);
    try_release();
}

bool group_loop::is_drained() const noexcept {
    return std::ranges::all_of(tenancies_, [](const auto& each) { return each->is_drained(); });
}

// Gives the revoked partitions back when their handlers are done and what is done is committed; when the
// drain is over, or the partitions are lost, without waiting.
void group_loop::try_release() {
    if (!revoking_) return;
    if (!revoking_->lost) {
        const bool waits = std::ranges::any_of(
            tenancies_, [&](const auto& each) { return is_revoked(*each) && !each->is_drained(); });
        if (waits && (revoke_timer_.pending() || stop_timer_.pending())) return;
        if (commits_.in_flight()) return;
        for (auto& each : tenancies_)
            if (is_revoked(*each)) each->guard.leave();
        note_progress();
        // A commit that fails inside the revoke is tried once more; then the records are delivered again
        // elsewhere.
        if (!commits_.is_settled() && final_commits_++ < 2) {
            commit_now();
            return;
        }
    }
    if (revoke_timer_.pending()) loop_->cancel(revoke_timer_);
    drop_revoked();
    revoking_.reset();
    source_->release();
    pump_later();
}

void group_loop::drop_revoked() {
    std::vector<std::unique_ptr<tenancy>> kept;
    for (auto& each : tenancies_) {
        if (!is_revoked(*each)) {
            kept.push_back(std::move(each));
            continue;
        }
        commits_.forget(each->origin.where);
        each->by.drop(*each);
        each->stop.request(stop_reason::revoked);
        if (each->at_work > 0) leftovers_.push_back(std::move(each));
    }
    tenancies_ = std::move(kept);
    figures_.partitions.set(static_cast<double>(tenancies_.size()));
    state_.assigned(tenancies_.size());
    tell_stopped();
}

void group_loop::drop_all() {
    revoking_.emplace().lost = true;
    for (const auto& each : tenancies_)
        revoking_->partitions.push_back({.id = each->slot, .where = each->origin.where});
    drop_revoked();
    if (revoke_timer_.pending()) loop_->cancel(revoke_timer_);
    revoking_.reset();
}

// The client goes on by itself, somewhere else: what lies between is told, for nobody else would.
void group_loop::tell_reset(const error& why) {
    log_.warn("a partition's position was reset", why);
    for (auto& each : tenancies_)
        if (is_of(why, each->origin.where)) {
            each->figures.was_out_of_range.add();
            each->unread.reset();
        }
}

// The client tries the same offset for ever, and says so each time.
void group_loop::note_unread(const error& why) {
    for (auto& each : tenancies_) {
        if (!why.offset() || !is_of(why, each->origin.where)) continue;
        const bool again = each->unread && each->unread->from.value == *why.offset();
        each->unread = {.from = offset(*why.offset()),
                        .times = again ? each->unread->times + 1 : 1,
                        .why = why.describe()};
    }
}

// kafka.offset_reset is `error`, and the partition has no offset, or one that is gone.
void group_loop::stop_partition_of(const error& why) {
    for (auto& each : tenancies_) {
        if (!is_of(why, each->origin.where)) continue;
        stop_partition(*each, "a partition stops: there is no offset to read from", why);
    }
}

void group_loop::stop_partition(tenancy& which, std::string_view text, const error& why) {
    log_.error(text, why);
    which.stopped_by = to_string(which.origin.where) + ": " + why.describe();
    which.by.drain(which);
    tell_stopped();
}

// Patterns of two subscriptions match it. Which of the two is to have it cannot be known, and that both
// believe they do would not be seen.
void group_loop::stop_what_nobody_reads() {
    for (auto& each : tenancies_) {
        if (!each->stopped_by.empty()) continue;
        const auto its = topics_.find(each->origin.where.topic);
        if (!its)
            stop_partition(*each, "a partition stops: its topic is not one subscription's", its.error());
    }
}

void group_loop::on(broker::source_error& event) {
    if (event.why == errc::no_committed_offset && event.why.partition()) return stop_partition_of(event.why);
    if (event.why == errc::position_reset) return tell_reset(event.why);
    note_unread(event.why);
    note_trouble(event.why);
    if (event.why.kind() != error_kind::fatal) {
        log_.warn("the consumer has trouble", event.why);
        return;
    }
    if (event.why == errc::duplicate_instance) return stop_for_good(event.why);
    log_.error("the consumer is replaced", event.why, {{"after_ms", reopen_after_}});
    drop_all();
    abandon_source();
}

// A successor would take the id from the other, who would take it back, for ever.
void group_loop::stop_for_good(const error& why) {
    log_.critical("two instances have one name; this one stops", why);
    drop_all();
    search_.reset();
    source_.reset();
    committer_ = nullptr;
    handler_stopped(why);
}

// --- trouble: a client says when it begins, never when it is over ------------------------------------------
// It is over when partitions are assigned, when a commit is answered, or when the client has nothing to say
// any more.

void group_loop::note_trouble(const error& why) {
    (why.kind() == error_kind::rejected ? refused_ : unreachable_) = why;
    unreachable_at_ = loop_->steady_now();
    trouble_since_commit_ = true;
    tell_trouble();
}

void group_loop::trouble_is_over() {
    log_.info("the consumer's trouble is over");
    unreachable_.reset();
    tell_trouble();
}

void group_loop::tell_trouble() {
    const auto& worst = unreachable_ ? unreachable_ : refused_;
    state_.trouble(worst ? worst->describe() : std::string());
}

// What is at work works on copies: the client may go at once.
void group_loop::abandon_source() {
    search_.reset();
    source_.reset();
    committer_ = nullptr;
    if (phase_ != phase::working) {
        end_ = loop_end::failed;
        return finish_when_idle();
    }
    figures_.restarts.add();
    loop_->at(loop_->steady_now() + reopen_after_, reopen_timer_);
    reopen_after_ = std::min(2 * reopen_after_, settings_.reopen_most);
}

void group_loop::open_source() {
    if (away_ || source_ || phase_ != phase::working) return; // come_back() does it, or did; or it is over
    try {
        auto member = cluster_.join(settings_.source, *loop_, *this);
        source_ = std::move(member.source);
        committer_ = member.offsets;
        ready();
    } catch (const std::exception& e) {
        log_.error("the consumer could not be opened", error(errc::client_fatal, {.message = e.what()}));
        loop_->at(loop_->steady_now() + reopen_after_, reopen_timer_);
        reopen_after_ = std::min(2 * reopen_after_, settings_.reopen_most);
    }
}

void group_loop::on(broker::closed&) {
    if (phase_ != phase::working) return finish_when_idle();
    source_.reset(); // away: come_back() opens the next one
    committer_ = nullptr;
}

void group_loop::finish_when_idle() {
    phase_ = phase::over;
    if (leftovers_.empty()) finish();
}

void group_loop::finish() {
    door_->close();
    search_.reset();
    source_.reset();
    committer_ = nullptr;
    for (timed* t : {&tick_, &due_, &reopen_timer_, &revoke_timer_, &stop_timer_})
        if (t->pending()) loop_->cancel(*t);
    ended_.set();
}

} // namespace corvid
