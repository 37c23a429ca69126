// SPDX-License-Identifier: Apache-2.0
//
// The group's side of group_loop: assigned, revoked, lost; a client that broke, and its successor.
#include <corvid/consume/group_loop.hpp>

#include <algorithm>
#include <regex>

namespace corvid {

subscription& group_loop::reader_of(const topic_name& topic) {
    for (auto& s : subscriptions_)
        if (std::ranges::find(s.topics, topic) != s.topics.end()) return s;
    for (auto& s : subscriptions_)
        if (!s.pattern.empty() && std::regex_search(topic.str(), std::regex(s.pattern, std::regex::extended)))
            return s;
    return subscriptions_.front();
}

void group_loop::on(broker::assigned& event) {
    std::vector<broker::start_at> starts;
    for (auto& which : event.partitions) {
        auto& reader = reader_of(which.where.topic);
        starts.push_back({.id = which.id});
        lanes_.push_back(std::make_unique<partition_lane>(*this, *loop_, which, reader, group()));
        lanes_.back()->figures = figures_.of(which.where, reader.name);
    }
    log_.info("partitions assigned", {{"partitions", event.partitions.size()}});
    figures_.assigned.add();
    figures_.partitions.set(static_cast<double>(lanes_.size()));
    state_.assigned(lanes_.size());
    unreachable_.reset();
    if (refused_ &&
        (refused_->topic().empty() || std::ranges::any_of(event.partitions, [&](const auto& which) {
             return which.where.topic.str() == refused_->topic();
         })))
        refused_.reset();
    tell_trouble();
    reopen_after_ = settings_.reopen_first;
    source_->accept(starts);
    if (!lanes_.empty() && !was_assigned_.is_set()) was_assigned_.set();
}

void group_loop::on(broker::revoked& event) {
    log_.info("partitions revoked", {{"partitions", event.partitions.size()}, {"lost", event.lost}});
    (event.lost ? figures_.lost : figures_.revoked).add();
    revoking_ = std::move(event);
    final_commits_ = 0;
    for (const auto& which : revoking_->partitions)
        for (auto& lane : lanes_)
            if (lane->slot() == which.id) {
                lane->ask_to_stop();
                lane->cancel_back_off();
                if (revoking_->lost) lane->request_stop(stop_reason::revoked);
            }
    if (!revoking_->lost && phase_ == phase::working && somebody_runs())
        loop_->at(loop_->steady_now() + settings_.rebalance_drain, revoke_timer_);
    try_release();
}

bool group_loop::somebody_runs() const noexcept {
    return std::ranges::any_of(lanes_, [](const auto& lane) { return lane->is_running(); });
}

// Gives the revoked partitions back when their handlers are done and what is done is committed; when the
// drain is over, or the partitions are lost, without waiting.
void group_loop::try_release() {
    if (!revoking_) return;
    const bool waits = std::ranges::any_of(
        lanes_, [&](const auto& lane) { return is_revoked(*lane) && lane->is_running(); });
    if (!revoking_->lost) {
        if (waits && (revoke_timer_.pending() || stop_timer_.pending())) return;
        if (commits_.in_flight()) return;
        // A commit that fails inside the revoke is tried once more; then the records are delivered again
        // elsewhere.
        if (!commits_.is_settled() && final_commits_++ < 2) {
            commit_now();
            return;
        }
    }
    if (revoke_timer_.pending()) loop_->cancel(revoke_timer_);
    drop_lanes([this](const partition_lane& lane) { return is_revoked(lane); });
    revoking_.reset();
    source_->release();
    ready();
}

bool group_loop::is_revoked(const partition_lane& lane) const {
    return std::ranges::any_of(revoking_->partitions,
                               [&](const auto& which) { return which.id == lane.slot(); });
}

template <class Goes>
void group_loop::drop_lanes(Goes goes) {
    std::vector<std::unique_ptr<partition_lane>> kept;
    for (auto& lane : lanes_) {
        if (!goes(*lane)) {
            kept.push_back(std::move(lane));
            continue;
        }
        commits_.forget(lane->where());
        lane->cancel_back_off();
        lane->request_stop(stop_reason::revoked);
        if (!lane->is_running()) continue;
        lane->become_leftover();
        leftovers_.push_back(std::move(lane));
    }
    lanes_ = std::move(kept);
    figures_.partitions.set(static_cast<double>(lanes_.size()));
    state_.assigned(lanes_.size());
    tell_stopped();
}

void group_loop::on(broker::source_error& event) {
    if (event.why == errc::no_committed_offset && event.why.partition()) return stop_partition_of(event.why);
    note_trouble(event.why);
    if (event.why.kind() != error_kind::fatal) {
        log_.warn("the consumer has trouble", event.why);
        return;
    }
    log_.error("the consumer is replaced", event.why, {{"after_ms", reopen_after_}});
    for (auto& lane : lanes_)
        lane->ask_to_stop();
    drop_lanes([](const partition_lane&) { return true; });
    if (revoke_timer_.pending()) loop_->cancel(revoke_timer_);
    revoking_.reset();
    source_is_broken_ = true;
    if (leftovers_.empty()) abandon_source();
}

// kafka.offset_reset is `error`, and the partition has no offset, or one that is gone.
void group_loop::stop_partition_of(const error& why) {
    for (auto& lane : lanes_) {
        if (lane->where().topic.str() != why.topic() || lane->where().partition.value != *why.partition())
            continue;
        log_.error("a partition stops: there is no offset to read from", why);
        lane->stop_behind_run(why);
    }
    tell_stopped();
}

void group_loop::tell_stopped() {
    std::string all;
    for (const auto& lane : lanes_)
        if (lane->stopped_by()) all += (all.empty() ? "" : "; ") + lane->stopped_at();
    state_.stopped(std::move(all));
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

// Records in use belong to the client: it goes when the last handler has returned.
void group_loop::abandon_source() {
    source_is_broken_ = false;
    source_.reset();
    committer_ = nullptr;
    if (phase_ != phase::working) {
        end_ = loop_end::failed;
        return finish();
    }
    figures_.restarts.add();
    loop_->at(loop_->steady_now() + reopen_after_, reopen_timer_);
    reopen_after_ = std::min(2 * reopen_after_, settings_.reopen_most);
}

void group_loop::open_source() {
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
    phase_ = phase::over;
    if (leftovers_.empty()) finish();
}

void group_loop::finish() {
    phase_ = phase::over;
    source_.reset();
    committer_ = nullptr;
    for (timed* t : {&tick_, &reopen_timer_, &revoke_timer_, &stop_timer_})
        if (t->pending()) loop_->cancel(*t);
    ended_.set();
}

} // namespace corvid
