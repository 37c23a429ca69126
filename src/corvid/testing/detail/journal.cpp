// SPDX-License-Identifier: Apache-2.0
#include <corvid/testing/detail/journal.hpp>

#include <algorithm>

namespace corvid::testing {

std::optional<std::string> kept_record::header(std::string_view name) const {
    const auto found = std::ranges::find(headers.rbegin(), headers.rend(), name,
                                         [](const auto& one) -> std::string_view { return one.first; });
    return found == headers.rend() ? std::nullopt : std::optional(found->second);
}

namespace detail {

std::string position_of(const kept_record& what) {
    return to_string(what.where) + '@' + std::to_string(what.offset.value);
}

std::string seconds_of(duration span) {
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(span).count();
    std::string part = std::to_string(us % 1'000'000);
    part.insert(0, 6 - part.size(), '0');
    return std::to_string(us / 1'000'000) + '.' + part + " s";
}

namespace {

std::string place_of(const handled_record& what) {
    return what.group + ' ' + to_string(what.where) + '@' + std::to_string(what.offset.value) + " key " +
           what.key.value_or("(none)") + ", attempt " + std::to_string(what.attempt);
}

} // namespace

void journal::note(const std::string& who, const std::string& what) {
    if (keeps_) lines_.push_back('+' + seconds_of(now()) + ' ' + who + ": " + what);
}

std::string journal::last_lines(std::size_t most) const {
    std::string text;
    for (std::size_t i = lines_.size() - std::min(most, lines_.size()); i < lines_.size(); ++i)
        text += "    " + lines_[i] + '\n';
    return text;
}

void journal::plan(const point& at, const std::string& instance, std::optional<duration> restart_after) {
    planned_.push_back({.at = random_.below(2) == 0 ? at.before : at.after,
                        .left = at.first + random_.below(at.last - at.first + 1),
                        .of = std::string(at.of),
                        .instance = instance,
                        .restart_after = restart_after});
}

std::optional<planned_crash> journal::due(moment now, const std::string& of, const std::string& instance) {
    for (auto each = planned_.begin(); each != planned_.end(); ++each) {
        if (each->at != now || (!each->of.empty() && each->of != of) ||
            (!each->instance.empty() && each->instance != instance) || --each->left > 0)
            continue;
        planned_crash found = std::move(*each);
        planned_.erase(each);
        return found;
    }
    return std::nullopt;
}

void journal::handler_begins(const handled_record& what) {
    groups_[what.group].open[{what.where, what.offset.value}] = {
        .instance = what.instance, .attempt = what.attempt, .at_work = true, .since = now(), .why = {}};
    if (keeps_) note(what.instance, "begins " + place_of(what));
}

void journal::handler_ended(handled_record what) {
    auto& open = groups_[what.group].open;
    if (what.is_final())
        open.erase({what.where, what.offset.value});
    else
        open[{what.where, what.offset.value}] = {.instance = what.instance,
                                                 .attempt = what.attempt,
                                                 .at_work = false,
                                                 .since = now(),
                                                 .why = what.why};
    if (!keeps_) return;
    note(what.instance, std::string(to_string(what.what)) + ' ' + place_of(what) +
                            (what.why.empty() ? "" : ": " + what.why));
    handled_.push_back(std::move(what));
}

void journal::forget(const std::string& instance) {
    for (tenancy_seen& each : tenancies_)
        if (each.instance == instance && !each.over) released(each.number, true);
    for (auto& [name, group] : groups_)
        std::erase_if(group.open, [&](const auto& one) { return one.second.instance == instance; });
}

std::uint64_t journal::given(const std::string& instance, const std::string& group,
                             const topic_partition& where) {
    groups_[group].given.insert(where);
    tenancies_.push_back({.number = tenancies_.size(),
                          .instance = instance,
                          .group = group,
                          .where = where,
                          .given = now(),
                          .over = {}});
    return tenancies_.back().number;
}

void journal::released(std::uint64_t tenancy, bool lost) {
    tenancy_seen& which = tenancies_[tenancy];
    if (which.over) return;
    which.over = now();
    which.lost = lost;
}

void journal::committed(commit_seen what) {
    ++commits_counted_;
    if (!keeps_) return;
    note(what.instance, (what.accepted ? "commits " : "may not commit ") + what.group + ' ' +
                            to_string(what.where) + " up to " + std::to_string(what.next.value));
    commits_.push_back(std::move(what));
}

} // namespace detail

} // namespace corvid::testing
