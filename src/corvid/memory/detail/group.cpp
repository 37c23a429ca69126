// SPDX-License-Identifier: Apache-2.0
#include <corvid/memory/detail/group.hpp>

#include <corvid/memory/detail/assignor.hpp>

#include <algorithm>

namespace corvid::memory {

namespace {

constexpr std::size_t most_metadata = 4096; // Kafka's offset.metadata.max.bytes

using partitions = std::vector<topic_partition>;

/// Both sorted.
partitions without(const partitions& all, const partitions& some) {
    partitions rest;
    std::ranges::set_difference(all, some, std::back_inserter(rest));
    return rest;
}
partitions together(const partitions& some, const partitions& others) {
    partitions all;
    std::ranges::set_union(some, others, std::back_inserter(all));
    return all;
}
partitions sorted(partitions of) {
    std::ranges::sort(of);
    return of;
}

} // namespace

// ---- members
// -------------------------------------------------------------------------------------------------------

void group::admit(const std::shared_ptr<member>& who) {
    std::string number = std::to_string(++ids_);
    number.insert(0, 8 - std::min<std::size_t>(8, number.size()), '0');
    who->id = who->client_id + "-" + number;
    who->in_group = who->joined = true;
    members_.push_back(who);
}

void group::join(const std::shared_ptr<member>& who) {
    if (std::ranges::any_of(members_,
                            [&](const auto& one) { return one->cooperative != who->cooperative; })) {
        who->box->push(broker::source_error{
            error(errc::broker_refused,
                  {.message = "the members of group " + name_ + " have another assignor",
                   .hint = "give all of them one kafka.assignor, and stop them all to change it",
                   .operation = "join"})});
        return;
    }
    if (const auto old = by_instance(who->instance_id)) {
        take_over(old, who);
        return;
    }
    admit(who);
    rebalance();
}

std::shared_ptr<member> group::by_instance(const std::string& instance_id) const {
    if (instance_id.empty()) return nullptr;
    const auto found =
        std::ranges::find(members_, instance_id, [](const auto& one) { return one->instance_id; });
    return found == members_.end() ? nullptr : *found;
}

// A static member that comes back within its session gets what it had, and nobody else notices.
void group::take_over(const std::shared_ptr<member>& old, const std::shared_ptr<member>& who) {
    const bool keeps_place = phase_ == group_phase::stable && around_.reachable() && !old->revoking &&
                             topics_of(*old) == topics_of(*who);
    const std::vector<topic_partition> kept = old->owned;
    if (!old->away && !old->silent) {
        old->fenced = true;
        evict(old);
        old->box->push(broker::source_error{error(
            errc::duplicate_instance,
            {.message = "another member took the instance id " + who->instance_id + " in group " + name_,
             .operation = "join"})});
    } else {
        remove(*old);
    }
    admit(who);
    if (!keeps_place) {
        rebalance();
        return;
    }
    who->owned = kept;
    who->joined = false;
    if (!kept.empty()) who->box->push(partitions_moved{.partitions = kept});
}

void group::remove(member& who) {
    who.in_group = false;
    std::erase_if(members_, [&](const auto& one) { return one.get() == &who; });
}

void group::evict(const std::shared_ptr<member>& who) {
    remove(*who);
    who->expires.reset();
    partitions had = std::exchange(who->owned, {});
    if (who->silent || who->away) return;
    had = without(had, sorted(who->box->take_back_given()));
    if (who->revoking) {
        who->box->lose_revoked();
        who->lost_behind = without(had, who->asked_back);
    } else if (!had.empty()) {
        who->revoking = true;
        who->box->push(partitions_moved{.partitions = std::move(had), .revoke = true, .lost = true});
    }
    if (!who->revoking && !who->closing && !who->fenced) admit(who);
}

void group::lose(const std::shared_ptr<member>& who) {
    evict(who);
    rebalance();
}

void group::silence(member& who) {
    who.silent = true;
    who.expires = around_.now() + who.session;
    who.box->cut();
}

void group::close(const std::shared_ptr<member>& who) {
    if (who->closing) return;
    who->closing = true;
    if (who->silent) {
        who->box->push(broker::closed{});
        return;
    }
    if (!who->revoking) leave(who);
}

// What it has is asked for, but a static member's place keeps it.
void group::leave(const std::shared_ptr<member>& who) {
    who->leaving = true;
    partitions rest = without(who->owned, sorted(who->box->take_back_given()));
    rest.empty() ? finish_leaving(who) : ask_for(*who, std::move(rest));
}

void group::ask_for(member& who, partitions which) {
    who.revoking = true;
    who.asked_back = which;
    who.box->push(partitions_moved{.partitions = std::move(which), .revoke = true});
}

void group::released(const std::shared_ptr<member>& who) {
    if (!std::exchange(who->revoking, false)) return;
    const partitions lost = std::exchange(who->lost_behind, {});
    if (!lost.empty()) {
        who->revoking = true;
        who->box->push(partitions_moved{.partitions = lost, .revoke = true, .lost = true});
        return;
    }
    const partitions back = std::exchange(who->asked_back, {});
    if (who->leaving) return finish_leaving(who);
    who->owned = without(who->owned, back);
    if (who->closing) return leave(who);
    if (who->fenced) return;
    if (!who->in_group) {
        admit(who);
        rebalance();
        return;
    }
    who->joined = true;
    who->cooperative ? rebalance() : complete_if_all_joined();
}

void group::finish_leaving(const std::shared_ptr<member>& who) {
    who->box->push(broker::closed{});
    if (!who->in_group) return;
    if (!who->instance_id.empty() || !around_.reachable()) {
        who->away = !who->instance_id.empty();
        who->silent = true;
        who->expires = around_.now() + who->session;
        if (phase_ == group_phase::preparing && ask_back(*who)) {
            who->joined = true;
            complete_if_all_joined();
        }
        return;
    }
    who->owned.clear();
    remove(*who);
    rebalance();
}

// ---- rebalances
// ----------------------------------------------------------------------------------------------------

// True when the member holds nothing back.
bool group::ask_back(member& who) {
    if (who.away) {
        if (!who.cooperative) who.owned.clear();
        return true;
    }
    if (who.silent || who.revoking) return false;
    if (who.cooperative) return true;
    who.owned = without(who.owned, sorted(who.box->take_back_given()));
    if (who.owned.empty()) return true;
    ask_for(who, who.owned);
    return false;
}

bool group::is_cooperative() const { return !members_.empty() && members_.front()->cooperative; }

void group::rebalance() {
    if (!around_.reachable()) {
        stale_ = true;
        return;
    }
    if (members_.empty())
        phase_ = group_phase::empty;
    else if (phase_ != group_phase::preparing) {
        const steady_time now = around_.now();
        duration patience{0};
        for (const auto& one : members_) {
            patience = std::max(patience, one->rebalance_timeout);
            one->joined = ask_back(*one);
        }
        not_before_ = phase_ == group_phase::empty ? now + initial_delay_ : now;
        deadline_ = now + patience;
        phase_ = group_phase::preparing;
    }
    complete_if_all_joined();
}

void group::complete_if_all_joined() {
    if (phase_ != group_phase::preparing || !around_.reachable() || around_.now() < not_before_) return;
    if (!std::ranges::all_of(members_, &member::joined, [](const auto& one) -> member& { return *one; }))
        return;
    assign();
}

void group::assign() {
    phase_ = members_.empty() ? group_phase::empty : group_phase::stable;
    ++generation_;
    assigned_from_ = wanted();
    std::vector<claimant> claimants;
    for (const auto& one : members_)
        claimants.push_back({.order = one->order(), .topics = topics_of(*one), .has = one->owned});
    if (is_cooperative()) return assign_what_is_free(assign_sticky(claimants, assigned_from_));
    auto given = assign_ranges(claimants, assigned_from_);
    for (std::size_t i = 0; i < members_.size(); ++i) {
        member& who = *members_[i];
        who.joined = false;
        who.owned = std::move(given[i]);
        if (!who.owned.empty() && !who.away && !who.silent)
            who.box->push(partitions_moved{.partitions = who.owned});
    }
}

// What another has still is asked back first; the rebalance after that hands it on.
void group::assign_what_is_free(std::vector<partitions> wanted_by) {
    partitions taken;
    for (const auto& one : members_)
        taken = together(taken, one->owned);
    for (std::size_t i = 0; i < members_.size(); ++i) {
        member& who = *members_[i];
        who.joined = false;
        partitions fresh = without(wanted_by[i], taken);
        partitions back = without(who.owned, wanted_by[i]);
        if (who.away || who.silent) back.clear();
        who.owned = together(who.owned, fresh);
        if (!fresh.empty() && !who.away && !who.silent)
            who.box->push(partitions_moved{.partitions = std::move(fresh)});
        if (!back.empty()) ask_for(who, std::move(back));
    }
}

std::vector<topic_name> group::topics_of(const member& who) const {
    std::vector<topic_name> found;
    for (const auto& [name, count] : around_.partition_counts())
        if (who.reads.covers(name)) found.push_back(name);
    return found;
}

std::map<topic_name, std::int32_t> group::wanted() const {
    std::map<topic_name, std::int32_t> counts = around_.partition_counts();
    std::erase_if(counts, [&](const auto& topic) {
        return std::ranges::none_of(members_,
                                    [&](const auto& one) { return one->reads.covers(topic.first); });
    });
    return counts;
}

void group::topics_changed() {
    if (phase_ == group_phase::stable && wanted() != assigned_from_) rebalance();
}

// ---- time
// ----------------------------------------------------------------------------------------------------------

void group::expire_sessions(steady_time now) {
    const std::size_t before = members_.size();
    std::erase_if(members_, [&](const auto& one) {
        if (!one->expires || *one->expires > now) return false;
        one->in_group = false;
        one->owned.clear();
        return true;
    });
    if (members_.size() != before) rebalance();
}

void group::evict_the_late() {
    std::vector<std::shared_ptr<member>> late;
    std::ranges::copy_if(members_, std::back_inserter(late), [](const auto& one) { return !one->joined; });
    for (const auto& one : late)
        evict(one);
    rebalance();
}

void group::run_timers() {
    if (!around_.reachable()) return;
    const steady_time now = around_.now();
    expire_sessions(now);
    if (phase_ == group_phase::preparing && deadline_ <= now) evict_the_late();
    complete_if_all_joined();
}

std::optional<steady_time> group::next_due() const {
    std::optional<steady_time> next;
    const auto consider = [&](steady_time when) { next = next ? std::min(*next, when) : when; };
    for (const auto& one : members_)
        if (one->expires) consider(*one->expires);
    if (phase_ == group_phase::preparing) consider(around_.now() < not_before_ ? not_before_ : deadline_);
    return next;
}

void group::reachable_again() {
    const steady_time now = around_.now();
    for (const auto& one : members_) {
        if (one->expires) one->expires = std::max(*one->expires, now + one->session);
        if (phase_ == group_phase::preparing) deadline_ = std::max(deadline_, now + one->rebalance_timeout);
    }
    if (std::exchange(stale_, false))
        rebalance();
    else
        complete_if_all_joined();
}

// ---- offsets
// -------------------------------------------------------------------------------------------------------

std::optional<error> group::refusal(const member& who, const broker::committed_offset& one) const {
    const error_details about{
        .operation = "commit", .topic = one.where.topic.str(), .partition = one.where.partition.value};
    if (!who.in_group || who.silent || !std::ranges::binary_search(who.owned, one.where))
        return error(errc::assignment_lost, about);
    error_details wrong = about;
    if (!one.next || one.next->value < 0) {
        wrong.message = "no offset to commit is given";
        return error(errc::invalid_argument, wrong);
    }
    if (one.metadata.size() > most_metadata) {
        wrong.message =
            "metadata of " + std::to_string(one.metadata.size()) + " bytes; the broker keeps 4096";
        return error(errc::broker_refused, wrong);
    }
    return std::nullopt;
}

void group::commit(const member& who, std::vector<broker::committed_offset>& offsets) {
    for (broker::committed_offset& one : offsets) {
        one.failure = refusal(who, one);
        if (!one.failure) offsets_.insert_or_assign(one.where, stored{*one.next, one.metadata});
    }
}

void group::read_committed(std::vector<broker::committed_offset>& offsets) const {
    for (broker::committed_offset& one : offsets) {
        const auto found = offsets_.find(one.where);
        one.next = found == offsets_.end() ? std::nullopt : std::optional(found->second.next);
        one.metadata = found == offsets_.end() ? std::string() : found->second.metadata;
        one.failure.reset();
    }
}

std::optional<offset> group::committed(const topic_partition& where) const {
    const auto found = offsets_.find(where);
    return found == offsets_.end() ? std::nullopt : std::optional(found->second.next);
}

void group::forget(const topic_name& deleted) {
    std::erase_if(offsets_, [&](const auto& one) { return one.first.topic == deleted; });
}

} // namespace corvid::memory
