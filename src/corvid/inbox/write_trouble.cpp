// SPDX-License-Identifier: Apache-2.0
#include <corvid/inbox/write_trouble.hpp>

#include <corvid/inbox/write_effects.hpp>

namespace corvid {

void write_trouble::told(const std::optional<error>& failure, steady_time now) {
    const std::lock_guard lock(mutex_);
    if (!failure)
        ends(now);
    else if (inbox_detail::blame_for(*failure) != inbox_detail::blame::record)
        lasts(*failure, now);
}

void write_trouble::lasts(const error& why, steady_time now) {
    if (!since_) since_ = now;
    if (now - *since_ < patience) return;
    if (told_.empty())
        log_.warn("effects cannot be written; they wait, and the group takes no more than it can hold", why,
                  {{"group", group_}, {"database", database_}});
    told_ = database_ + " takes no effects: " + why.describe();
}

void write_trouble::ends(steady_time now) {
    if (!since_) return;
    if (!told_.empty())
        log_.info("effects are written again",
                  {{"group", group_}, {"database", database_}, {"after_ms", now - *since_}});
    since_.reset();
    told_.clear();
}

std::string write_trouble::text() const {
    const std::lock_guard lock(mutex_);
    return told_;
}

} // namespace corvid
