// SPDX-License-Identifier: Apache-2.0
#include <corvid/inbox/exactly_once/exactly_once_stages.hpp>

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
    return std::make_shared<inbox_stage>(inbox_of(of.group, *of.how), ++count_, of.parts);
}

group_inbox& exactly_once_stages::inbox_of(const std::string& group, const exactly_once_settings& how) {
    for (const auto& each : inboxes_)
        if (each->group() == group && &each->into() == how.into) return *each;
    return *inboxes_.emplace_back(std::make_unique<group_inbox>(group, how));
}

void exactly_once_stages::open(metrics* figures) {
    try {
        for (const auto& each : inboxes_)
            each->open(figures);
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
