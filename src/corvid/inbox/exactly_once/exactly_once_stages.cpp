// SPDX-License-Identifier: Apache-2.0
#include <corvid/inbox/exactly_once/exactly_once_stages.hpp>

#include <corvid/inbox/exactly_once/offset_stage.hpp>

namespace corvid {

namespace {

[[noreturn]] void refuse(const std::string& subscription, const char* what, const char* hint) {
    throw config_error(
        error(errc::conflicting_settings, {.message = "subscription \"" + subscription + "\": " + what,
                                           .hint = hint,
                                           .operation = "subscribe"}));
}

} // namespace

std::shared_ptr<inbox_stage> exactly_once_stages::add(const wish& of) {
    if (of.takes_units && !of.how)
        refuse(of.subscription, "its handler takes a unit_of_work, and exactly_once is not set",
               "set exactly_once = corvid::in(database), or take no unit_of_work");
    if (!of.how) return nullptr;
    if (!of.takes_units)
        refuse(of.subscription, "exactly_once is set, and its handler takes no unit_of_work",
               "take a corvid::unit_of_work& behind the context, or leave exactly_once out");
    if (!of.how->may_duplicate.empty())
        declared_.push_back("subscription \"" + of.subscription +
                            "\": beside its effects in the database, this may happen more than once: " +
                            of.how->may_duplicate);
    group_inbox& into = inbox_of(of.group, *of.how);
    if (of.how->by == effect_mark::by_event_id)
        return std::make_shared<event_stage>(into, ++count_, of.parts);
    refuse_by_offset(of);
    if (of.order == by_key && of.retries)
        warnings_.push_back(
            "subscription \"" + of.subscription +
            "\": by_key with by_offset: a record that is tried again holds its partition, "
            "not its key alone (order = by_partition says so, retry = {.limit = 1} avoids it)");
    return std::make_shared<offset_stage>(into);
}

// What is to be applied in the order of the offsets has one place in it.
void exactly_once_stages::refuse_by_offset(const wish& of) {
    if (of.parts > 0)
        refuse(of.subscription, "by_offset knows one effect a record, and fan_out has several",
               "use by_event_id, or a subscription for each handler");
    if (of.in_batches && of.order != by_partition)
        refuse(of.subscription,
               "by_offset applies a partition in the order of its offsets, and a batch that is not "
               "ordered by_partition leaves out what is in another",
               "set order = corvid::by_partition, or use by_event_id");
    if (of.has_retry_topics)
        refuse(of.subscription, "by_offset does not know a record that is twice in a retry topic",
               "use by_event_id, or retry without retry_topics");
    if (of.parks_keys)
        refuse(of.subscription, "by_offset has passed a record that is parked, and would not apply it later",
               "use by_event_id, or dead_letters instead of park_key");
}

group_inbox& exactly_once_stages::inbox_of(const std::string& group, const exactly_once_settings& how) {
    for (const auto& each : inboxes_)
        if (each->group() == group && &each->into() == how.into && each->by() == how.by) return *each;
    return *inboxes_.emplace_back(std::make_unique<group_inbox>(group, how));
}

void exactly_once_stages::open(metrics* figures, const logger& log) {
    try {
        for (const auto& each : inboxes_)
            each->open(figures, log);
    } catch (...) {
        close();
        throw;
    }
}

void exactly_once_stages::close() {
    for (const auto& each : inboxes_)
        each->close();
}

} // namespace corvid
