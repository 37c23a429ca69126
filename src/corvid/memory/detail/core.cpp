// SPDX-License-Identifier: Apache-2.0
#include <corvid/memory/detail/core.hpp>

#include <algorithm>

namespace corvid::memory {

namespace {

// What nobody but the cluster holds any more, and no loop will touch.
template <class Box>
void drop_the_dead(std::vector<std::shared_ptr<Box>>& boxes) {
    std::erase_if(boxes, [](const auto& box) { return box.use_count() == 1 && box->idle(); });
}

} // namespace

error unreachable_error(const char* operation) {
    return error(errc::broker_unreachable,
                 {.message = "the in-process broker is down, as scripted", .operation = operation});
}

core::core(scheduler& clock, duration initial_delay)
    : clock_(clock),
      initial_delay_(initial_delay),
      thread_(clock.run_thread("corvid-memory", [](scheduler&) {})),
      visitor_(std::make_unique<visitor>(*this, thread_->loop())) {}

core::~core() { thread_.reset(); }

std::shared_ptr<topic> core::find(const topic_name& name) const {
    const auto found = topics_.find(name);
    return found == topics_.end() ? nullptr : found->second;
}

void core::add_topic(std::shared_ptr<topic> made) {
    const topic_name name = made->spec.name;
    topics_.emplace(name, std::move(made));
    for (const auto& [id, one] : groups_)
        one->topics_changed();
    look_again();
}

void core::remove_topic(const topic_name& name) {
    const auto found = topics_.find(name);
    found->second->deleted.store(true);
    topics_.erase(found);
    for (const auto& [id, one] : groups_) {
        one->forget(name);
        one->topics_changed();
    }
    look_again();
}

group& core::group_of(const std::string& name) {
    auto& place = groups_[name];
    if (!place) place = std::make_unique<group>(name, *this, initial_delay_);
    return *place;
}

void core::keep(std::shared_ptr<inbox> box) {
    drop_the_dead(inboxes_);
    inboxes_.push_back(std::move(box));
}

void core::keep(std::shared_ptr<outbox> box) {
    drop_the_dead(outboxes_);
    outboxes_.push_back(std::move(box));
}

result<void> core::usable(const char* operation) const {
    if (reachable()) return {};
    return fail(unreachable_error(operation));
}

std::map<topic_name, std::int32_t> core::partition_counts() const {
    std::map<topic_name, std::int32_t> counts;
    for (const auto& [name, one] : topics_)
        counts.emplace(name, one->spec.partitions);
    return counts;
}

void core::look_again() noexcept { visitor_->wake(); }

void core::run_timers() noexcept {
    std::optional<steady_time> next;
    const auto consider = [&](std::optional<steady_time> when) {
        if (when) next = next ? std::min(*next, *when) : *when;
    };
    {
        const auto held = lock();
        for (const auto& [name, one] : groups_) {
            one->run_timers();
            if (reachable()) consider(one->next_due());
        }
        for (const auto& box : outboxes_) {
            box->advance();
            consider(box->next_due());
        }
    }
    scheduler& loop = visitor_->loop();
    loop.cancel(alarm_);
    if (next && *next != steady_time::max()) loop.at(*next, alarm_);
}

} // namespace corvid::memory
