// SPDX-License-Identifier: Apache-2.0
//
// What a publisher does when its client breaks (docs/decisions/0022).
#include <corvid/produce/publisher.hpp>

#include <algorithm>
#include <exception>
#include <mutex>

namespace corvid {

void publisher::broken(const error& why) noexcept {
    log_.error("the producer is replaced", why);
    try {
        succession_.begin();
        open_sink(*scheduler::current()); // the delivery loop
        const std::lock_guard lock(topics_mutex_);
        for (auto& [name, topic] : topics_)
            if (auto routed = add_route(*topic); !routed) {
                log_.error("a topic was not resolved", routed.error());
                topic->route_.load(std::memory_order_relaxed)->is_over.store(true, std::memory_order_release);
            }
        rebuilds_.fetch_add(1, std::memory_order_relaxed);
        if (figures_) figures_->counter_of(metric::producer_rebuilds).add();
        sinks_[sinks_.size() - 2]->purge();
    } catch (const std::exception& e) {
        const error lost(errc::client_fatal, {.message = e.what()});
        log_.critical("the producer could not be replaced", lost);
        for (const auto& each : succession_.shut())
            refused(each.record, error(lost));
        return;
    }
    heir_.until = delivery_loop().steady_now() + settings_.sink.request_timeout;
    hand_on_soon();
}

const published_topic::route& publisher::route_of(const broker::outgoing& record) noexcept {
    return *static_cast<const published_topic*>(record.topic->user)->route_.load(std::memory_order_acquire);
}

bool publisher::is_of_sink_in_use(const broker::outgoing& record) noexcept {
    const auto& route = route_of(record);
    return route.topic == record.topic && !route.is_over.load(std::memory_order_acquire);
}

bool publisher::wait_for_successor(const broker::outgoing& record) noexcept {
    detail::gather::here().hand_over();
    intake_.hand_over();
    return succession_.hold(record);
}

// It was taken for a sink that broke before the record reached it.
bool publisher::goes_to_successor(const broker::outgoing& record, const error& why) noexcept {
    if (why != errc::client_fatal || route_of(record).is_over.load(std::memory_order_acquire)) return false;
    return succession_.hold(record) || (!is_of_sink_in_use(record) && send_to_last_sink(record).has_value());
}

result<void> publisher::send_to_last_sink(broker::outgoing record) noexcept {
    const auto& route = route_of(record);
    record.topic = route.topic;
    return route.sink->send(record);
}

bool publisher::passed_on(const broker::outgoing& unsent) noexcept { return succession_.inherit(unsent); }

// Behind all that the broken sinks held, which report on this loop. What a sender puts into a broken one at
// the last moment is given up at the next purge. A sink that does not end is not waited for.
void publisher::heir::run_once(work& node) noexcept {
    auto& self = static_cast<heir&>(static_cast<timer&>(node));
    publisher& owner = self.of;
    auto broken = owner.all_sinks();
    broken.pop_back();
    std::erase_if(broken, [](const broker::record_sink* each) { return each->unreported() == 0; });
    for (broker::record_sink* each : broken)
        each->purge();
    if (broken.empty() || owner.delivery_loop().steady_now() >= self.until) {
        auto some = owner.succession_.take();
        if (some.empty()) return;
        owner.hand_on(std::move(some));
    }
    owner.hand_on_soon();
}

void publisher::hand_on_soon() noexcept {
    constexpr duration soon = std::chrono::milliseconds(1);
    if (!heir_.pending()) delivery_loop().at(delivery_loop().steady_now() + soon, heir_);
}

void publisher::hand_on(std::deque<detail::succession::held>&& some) noexcept {
    for (; !some.empty(); some.pop_front()) {
        auto sent = send_to_last_sink(some.front().record);
        if (sent) continue;
        const bool has_successor = !route_of(some.front().record).is_over.load(std::memory_order_acquire);
        if (sent.error() == errc::client_fatal && has_successor && succession_.put_back(some)) return;
        intake_.refuse(some.front().record, std::move(sent).error());
        tell_refused_later();
    }
}

// When it is not over in time nobody waits for the broken sink's records any longer.
void publisher::finish_succession(steady_time until) {
    signal never;
    constexpr duration step = std::chrono::milliseconds(1);
    while (succession_.is_open() && root_.steady_now() < until)
        (void)root_.wait(never, std::min(until, root_.steady_now() + step));
    hand_on(succession_.shut());
}

} // namespace corvid
