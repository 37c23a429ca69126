// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/group_figures.hpp>

namespace corvid {

group_figures::group_figures(metrics* into, const std::string& group) : into_(into), group_(group) {
    if (!into) return;
    commit_failures = into->counter_of(metric::commit_failures, {group});
    restarts = into->counter_of(metric::consumer_restarts, {group});
    assigned = into->counter_of(metric::rebalances, {group, "assigned"});
    revoked = into->counter_of(metric::rebalances, {group, "revoked"});
    lost = into->counter_of(metric::rebalances, {group, "lost"});
    partitions = into->gauge_of(metric::assigned_partitions, {group});
    last_poll = into->gauge_of(metric::last_poll, {group});
    watchdog_leaves = into->counter_of(metric::watchdog_leaves, {group});
}

partition_figures group_figures::of(const topic_partition& where, const std::string& handler) {
    partition_figures f;
    if (!into_) return f;
    const std::string& topic = where.topic.str();
    const std::string partition = std::to_string(where.partition.value);
    const auto consumed = [&](std::string_view outcome) {
        return into_->counter_of(metric::messages_consumed, {topic, group_, handler, outcome});
    };
    f.done = consumed("done");
    f.skipped = consumed("skip");
    f.retried = consumed("retry");
    f.rejected = consumed("dead_letter");
    f.stopped = consumed("stop");
    f.gaps = into_->counter_of(metric::offset_gaps, {topic, group_});
    f.had_no_offset = into_->counter_of(metric::offset_resets, {topic, group_, "no_offset"});
    f.was_out_of_range = into_->counter_of(metric::offset_resets, {topic, group_, "out_of_range"});
    f.killers = into_->counter_of(metric::process_killers, {topic, group_});
    f.starts = into_->gauge_of(metric::starts_without_progress, {group_, topic, partition});
    f.parked = into_->counter_of(metric::parked_messages, {topic, group_});
    f.unparked = into_->counter_of(metric::unparked_messages, {topic, group_, "release"});
    f.discarded = into_->counter_of(metric::unparked_messages, {topic, group_, "discard"});
    f.dead_keys = into_->gauge_of(metric::parked_keys, {group_, topic, partition});
    f.lag = into_->gauge_of(metric::group_lag, {group_, topic, partition});
    f.committed = into_->gauge_of(metric::group_offset, {group_, topic, partition});
    f.standing = into_->gauge_of(metric::partition_standing, {topic, group_, partition});
    f.age = into_->histogram_of(metric::message_age, {topic, group_});
    f.into = into_;
    f.topic = topic;
    f.group = group_;
    f.handling = into_->histogram_of(metric::handler_duration, {topic, group_, handler});
    return f;
}

counter partition_figures::dead_letters(const error& why) const {
    return into ? into->counter_of(metric::dlq_messages, {topic, group, info_of(why.code()).name})
                : counter();
}

void group_figures::in_hand(const std::map<std::string_view, std::size_t>& records) {
    if (!into_) return;
    std::erase_if(in_hand_, [&](const auto& known) { return !records.contains(known.first); });
    for (const auto& [topic, count] : records) {
        auto known = in_hand_.find(topic);
        if (known == in_hand_.end())
            known =
                in_hand_.emplace(topic, into_->gauge_of(metric::inflight_messages, {topic, group_})).first;
        known->second.set(static_cast<double>(count));
    }
}

handler_figures group_figures::of(const std::string& handler) {
    if (!into_) return {};
    return {.oldest = into_->gauge_of(metric::oldest_at_work, {group_, handler}),
            .hottest = into_->gauge_of(metric::hot_key, {group_, handler}),
            .most_attempts = into_->gauge_of(metric::poison_key, {group_, handler})};
}

void group_figures::intake_stopped(const std::map<intake_stop, std::size_t>& stopped) {
    if (!into_) return;
    for (auto& [why, known] : stopped_)
        if (!stopped.contains(why)) known.set(0);
    for (const auto& [why, count] : stopped) {
        auto known = stopped_.find(why);
        if (known == stopped_.end())
            known =
                stopped_.emplace(why, into_->gauge_of(metric::intake_stopped, {group_, label_of(why)})).first;
        known->second.set(static_cast<double>(count));
    }
}

void group_state::set(std::string& which, std::string to) {
    const std::lock_guard lock(mutex_);
    which = std::move(to);
}

std::string group_state::get(const std::string& which) const {
    const std::lock_guard lock(mutex_);
    return which;
}

void group_state::trouble(std::string what) { set(trouble_, std::move(what)); }
std::string group_state::trouble() const { return get(trouble_); }
void group_state::stopped(std::string what) { set(stopped_, std::move(what)); }
std::string group_state::stopped() const { return get(stopped_); }
void group_state::away(std::string why) { set(away_, std::move(why)); }
std::string group_state::away() const { return get(away_); }
std::string group_state::findings() const { return get(findings_); }

void group_state::findings(std::string what, bool stuck) {
    set(findings_, std::move(what));
    stuck_.store(stuck, std::memory_order_relaxed);
}

} // namespace corvid
