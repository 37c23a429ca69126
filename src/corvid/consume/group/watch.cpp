// SPDX-License-Identifier: Apache-2.0
//
// The watchdog of group_loop: looks at every tick, tells what does not get on, and leaves the group when a
// handler does not return. No broker would notice: the loop polls on, and librdkafka below 2.1 takes any
// poll for a sign of life.
#include <corvid/consume/group_loop.hpp>

#include <algorithm>

namespace corvid {

namespace {

// What handlers at work have when the member leaves: the one that is stuck will not use it.
constexpr std::chrono::milliseconds leave_drain{5'000};

double in_seconds(duration d) { return std::chrono::duration<double>(d).count(); }

} // namespace

void group_loop::watch(steady_time now) {
    std::vector<handler_sight> handlers;
    for (const auto& each : dispatchers_)
        handlers.push_back(each->sight(now));
    watch_.look(now, look_at_partitions(), handlers);
    state_.findings(watch_.told(), watch_.has(progress_watch::kind::stuck_partition));
    for (const auto& each : tenancies_)
        each->figures.standing.set(in_seconds(watch_.standing(each->origin.where)));
    for (std::size_t i = 0; i < handlers.size(); ++i) {
        const handler_sight& its = handlers[i];
        handler_figures_[i].oldest.set(its.oldest ? in_seconds(now - its.oldest->since) : 0);
        handler_figures_[i].hottest.set(its.longest ? static_cast<double>(its.longest->records) : 0);
        handler_figures_[i].most_attempts.set(its.failing ? its.failing->attempts : 0);
    }
    if (watch_.has_changed()) tell_findings();
    const handler_sight* const stuck = find_stuck(handlers, now, settings_.source.max_poll_interval);
    if (stuck)
        leave_while(*stuck);
    else
        come_back();
}

std::vector<partition_sight> group_loop::look_at_partitions() {
    std::vector<partition_sight> seen;
    std::map<intake_stop, std::size_t> stopped;
    for (const auto& each : tenancies_) {
        intake_stop why = each->by.why_stopped(*each);
        if (why == intake_stop::open && !each->takes_in()) why = intake_stop::revoking;
        if (why != intake_stop::open) ++stopped[why];
        const bool has_records = each->ledger.is_assigned();
        if (each->unread && has_records && each->ledger.end() > each->unread->from)
            each->unread.reset(); // what lies behind it has come
        auto next = each->ledger.frontier();
        if (!next && each->unread) next = each->unread->from;
        if (!source_ || !next) continue;
        partition_sight& its = seen.emplace_back(partition_sight{
            .where = each->origin.where,
            .frontier = *next,
            .settled = has_records ? each->ledger.end().value - each->ledger.unfinished() : 0,
            .taken = has_records ? each->ledger.end().value : 0,
            .intake = why,
            .unread = each->unread,
        });
        if (each->tier > 0) its.patience = each->by.reader().failure.retry_topics[each->tier - 1];
        const auto far = source_->progress(each->slot);
        if (!far.end) continue;
        if (each->unread && *far.end <= each->unread->from) { // it is not there any more
            each->unread.reset();
            its.unread.reset();
        }
        its.behind = std::max<std::int64_t>(0, far.end->value - next->value);
        each->figures.lag.set(static_cast<double>(*its.behind));
    }
    figures_.intake_stopped(stopped);
    return seen;
}

void group_loop::tell_findings() {
    if (watch_.findings().empty())
        log_.info("the group gets on");
    else
        log_.warn("the group does not get on everywhere", {{"findings", watch_.told()}});
}

// The handler keeps its key's lock: should the partition come back, that key waits for it.
void group_loop::leave_while(const handler_sight& stuck) {
    if (away_ || phase_ != phase::working || !source_ || revoking_) return;
    const std::string why = "handler \"" + stuck.handler + "\" has not returned from " +
                            to_string(stuck.oldest->where) + " at offset " +
                            std::to_string(stuck.oldest->which.value) + " within kafka.max_poll_interval";
    away_ = true;
    figures_.watchdog_leaves.add();
    state_.away(why);
    log_.error("the member leaves its group until a handler returns", {{"why", why}});
    forget_search();
    source_->close();
    pump_later();
}

void group_loop::come_back() {
    if (!away_ || source_ || phase_ != phase::working) return;
    away_ = false;
    state_.away({});
    log_.info("the handler has returned; the member joins its group again");
    open_source();
}

std::chrono::milliseconds group_loop::drain_of_a_revoke() const noexcept {
    return away_ ? std::min(leave_drain, settings_.rebalance_drain) : settings_.rebalance_drain;
}

} // namespace corvid
