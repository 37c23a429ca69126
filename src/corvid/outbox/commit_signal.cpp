// SPDX-License-Identifier: Apache-2.0
#include <corvid/outbox/commit_signal.hpp>

#include <mutex>
#include <vector>

namespace corvid::outbox_detail {

namespace {

struct registry {
    std::mutex mutex;
    std::vector<commit_listener*> listeners;
};

registry& all() {
    static registry only;
    return only;
}

} // namespace

commit_listener::commit_listener(scheduler& loop_of_database) : loop_(loop_of_database) {
    const std::lock_guard lock(all().mutex);
    all().listeners.push_back(this);
}

commit_listener::~commit_listener() {
    const std::lock_guard lock(all().mutex);
    std::erase(all().listeners, this);
}

bool tell_commit() noexcept {
    const scheduler* const here = scheduler::current();
    const std::lock_guard lock(all().mutex);
    bool all_is_here = false;
    for (commit_listener* each : all().listeners)
        if (&each->loop_ == here) all_is_here = each->committed() || all_is_here;
    return all_is_here;
}

} // namespace corvid::outbox_detail
