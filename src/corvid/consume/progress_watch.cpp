// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/progress_watch.hpp>

#include <algorithm>

namespace corvid {

namespace {

std::string seconds(duration d) {
    return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(d).count()) + " s";
}

std::string place(const record_sight& of) {
    return to_string(of.where) + " at offset " + std::to_string(of.which.value);
}

bool is(const record_sight& one, const topic_partition& where, offset which) {
    return one.where == where && one.which == which;
}

// Handlers are merely behind: common, and over soon.
bool is_back_pressure(intake_stop why) noexcept {
    return why == intake_stop::runnable_records || why == intake_stop::runnable_bytes ||
           why == intake_stop::runnable_share || why == intake_stop::held_back;
}

bool is_planned(intake_stop why) noexcept {
    return why == intake_stop::open || why == intake_stop::closing || why == intake_stop::revoking;
}

std::string cause_of(const handler_sight::sending& one) {
    if (!one.elsewhere)
        return "that record was handled, and what was published for it, or its effect, is not acknowledged";
    if (one.failures == 0) return "that record goes to another topic, and is not acknowledged there";
    return "that record goes to another topic, where it could not be put " + std::to_string(one.failures) +
           " times: " + one.why;
}

std::string cause_of(const partition_sight& one, steady_time now,
                     const std::vector<handler_sight>& handlers) {
    for (const handler_sight& each : handlers) {
        if (each.oldest && is(*each.oldest, one.where, one.frontier))
            return "handler \"" + each.handler + "\" has been at that record for " +
                   seconds(now - each.oldest->since);
        if (each.failing && is(*each.failing, one.where, one.frontier))
            return "that record failed " + std::to_string(each.failing->attempts) +
                   " times and is in back-off: " + each.failing->why;
        for (const auto& sent : each.sent)
            if (is(sent, one.where, one.frontier)) return cause_of(sent);
    }
    if (one.intake != intake_stop::open) return std::string(to_string(one.intake));
    return "no record comes from the broker, or that record waits behind others";
}

} // namespace

result<void> watch_settings::validate() const {
    const auto zero = std::chrono::milliseconds::zero();
    for (const auto& [value, name] : {std::pair{slow_after, "slow_after"},
                                      {stuck_after, "stuck_after"},
                                      {stopped_after, "stopped_after"}})
        if (value <= zero)
            return fail(
                errc::invalid_setting,
                {.message = std::string("watch.") + name + " must be above zero", .operation = "subscribe"});
    if (hot_key_records == 0 || poison_attempts <= 0 || unreadable_attempts <= 0)
        return fail(errc::invalid_setting,
                    {.message = "watch.hot_key_records, watch.poison_attempts and watch.unreadable_attempts "
                                "must be above zero",
                     .operation = "subscribe"});
    return {};
}

std::string_view to_string(progress_watch::kind what) noexcept {
    switch (what) {
    case progress_watch::kind::slow_record:
        return "slow_record";
    case progress_watch::kind::stuck_partition:
        return "stuck_partition";
    case progress_watch::kind::unreadable:
        return "unreadable";
    case progress_watch::kind::hot_key:
        return "hot_key";
    case progress_watch::kind::poison_key:
        return "poison_key";
    case progress_watch::kind::intake_stopped:
        break;
    }
    return "intake_stopped";
}

void progress_watch::look(steady_time now, const std::vector<partition_sight>& partitions,
                          const std::vector<handler_sight>& handlers) {
    const auto before = std::move(findings_);
    findings_.clear();
    std::map<topic_partition, track> seen;
    for (const partition_sight& each : partitions) {
        const auto known = tracks_.find(each.where);
        track& now_its =
            seen.emplace(each.where,
                         known != tracks_.end() ? known->second : track{each.settled, now, each.taken, now})
                .first->second;
        follow(now, each, now_its);
        judge(each, now_its, now, handlers);
    }
    tracks_ = std::move(seen);
    for (const handler_sight& each : handlers)
        judge(each, now);
    changed_ = !std::ranges::equal(before, findings_, [](const finding& a, const finding& b) {
        return a.what == b.what && a.where == b.where;
    });
}

void progress_watch::follow(steady_time now, const partition_sight& one, track& so_far) {
    if (one.settled != so_far.settled || one.behind == 0) so_far.moved = now;
    if (is_planned(one.intake) || one.taken != so_far.taken) so_far.open_at = now;
    so_far.settled = one.settled;
    so_far.taken = one.taken;
    so_far.standing = now - so_far.moved;
}

void progress_watch::judge(const partition_sight& one, const track& so_far, steady_time now,
                           const std::vector<handler_sight>& handlers) {
    const std::string name = to_string(one.where);
    if (so_far.standing >= settings_.stuck_after + one.patience && one.behind)
        found(kind::stuck_partition, one.where,
              name + " has stood at offset " + std::to_string(one.frontier.value) + " for " +
                  seconds(so_far.standing) + ", " + std::to_string(*one.behind) +
                  " offsets before its end: " + cause_of(one, now, handlers));
    if (one.unread && one.unread->times >= settings_.unreadable_attempts) {
        const std::int64_t from = one.unread->from.value;
        found(kind::unreadable, one.where,
              name + " cannot be read on from offset " + std::to_string(from) + ", " +
                  std::to_string(one.unread->times) +
                  " times by now; to pass it by, stop the group and set its " +
                  "offset behind what is broken, " + std::to_string(from + 1) +
                  " or higher: " + one.unread->why);
    }
    if (!is_planned(one.intake) &&
        (!is_back_pressure(one.intake) || now - so_far.open_at >= settings_.stopped_after))
        found(kind::intake_stopped, one.where,
              "nothing is taken of " + name + ": " + std::string(to_string(one.intake)) +
                  " (the first record that is not done is at offset " + std::to_string(one.frontier.value) +
                  ')');
}

void progress_watch::judge(const handler_sight& one, steady_time now) {
    const std::string by = "handler \"" + one.handler + "\" ";
    if (one.oldest && now - one.oldest->since >= settings_.slow_after)
        found(kind::slow_record, one.oldest->where,
              by + "has been at " + place(*one.oldest) + " for " + seconds(now - one.oldest->since));
    if (one.longest && one.longest->records >= settings_.hot_key_records &&
        2 * one.longest->records >= one.records)
        found(kind::hot_key, one.longest->where,
              by + "has one key with " + std::to_string(one.longest->records) + " of the " +
                  std::to_string(one.records) + " records that wait for it, from " + place(*one.longest) +
                  " on");
    if (one.failing && one.failing->attempts >= settings_.poison_attempts)
        found(kind::poison_key, one.failing->where,
              by + "has failed " + std::to_string(one.failing->attempts) + " times on " +
                  place(*one.failing) + ", and its key waits: " + one.failing->why);
}

void progress_watch::found(kind what, const topic_partition& where, std::string sentence) {
    findings_.push_back({what, where, std::move(sentence)});
}

bool progress_watch::has(kind what) const noexcept {
    return std::ranges::any_of(findings_, [&](const finding& each) { return each.what == what; });
}

std::string progress_watch::told() const {
    std::string all;
    for (const finding& each : findings_)
        all += (all.empty() ? "" : "; ") + each.sentence;
    return all;
}

duration progress_watch::standing(const topic_partition& where) const noexcept {
    const auto known = tracks_.find(where);
    return known == tracks_.end() ? duration::zero() : known->second.standing;
}

const handler_sight* find_stuck(const std::vector<handler_sight>& handlers, steady_time now,
                                duration limit) noexcept {
    const auto found = std::ranges::find_if(handlers, [&](const handler_sight& each) {
        return each.oldest && now - each.oldest->since >= limit;
    });
    return found == handlers.end() ? nullptr : &*found;
}

} // namespace corvid
