// SPDX-License-Identifier: Apache-2.0
//
// What a publisher hears on its delivery loop: reports, refusals, and the end of a client.
#include <corvid/produce/publisher.hpp>

#include <algorithm>
#include <exception>
#include <mutex>

namespace corvid {

void publisher::delivered(broker::delivery_batch&& batch) noexcept {
    credit_.give(credit::tally::awaited, batch.node_records, batch.node_bytes);
    credit_.give(credit::tally::posted_even, batch.posted_records[0], batch.posted_bytes[0]);
    credit_.give(credit::tally::posted_odd, batch.posted_records[1], batch.posted_bytes[1]);
    {
        const detail::post_batch together;
        while (work* node = batch.nodes.pop())
            node->run(*node);
    }
    credit_came_back();
    if (intake_.look()) sweep_later();
}

void publisher::answered(broker::sink_topic& topic, duration took, std::uint64_t records) noexcept {
    static_cast<const published_topic*>(topic.user)->took_.observe(took, records);
}

void publisher::post_failed(const broker::failed_post& record) noexcept {
    log_.error("a posted record failed", record.why,
               {{"topic", record.topic.str()}, {"partition", record.partition.value}});
    note_failure(record.generation, record.why);
    if (settings_.on_failed_post) settings_.on_failed_post(record);
}

void publisher::warned(const error& why) noexcept {
    const log_level level = why == errc::broker_starting ? log_level::info : log_level::warn;
    log_.write(level, "the producer has trouble", {}, &why, logger::site::current());
}

// --- succession

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

bool publisher::is_of_sink_in_use(const broker::outgoing& record) noexcept {
    const auto* const to = static_cast<const published_topic*>(record.topic->user);
    const auto* const route = to->route_.load(std::memory_order_acquire);
    return route->topic == record.topic && !route->is_over.load(std::memory_order_acquire);
}

bool publisher::wait_for_successor(const broker::outgoing& record) noexcept {
    detail::gather::here().hand_over();
    intake_.hand_over();
    return succession_.hold(record);
}

bool publisher::has_no_successor(const broker::outgoing& record) noexcept {
    const auto* const to = static_cast<const published_topic*>(record.topic->user);
    return to->route_.load(std::memory_order_acquire)->is_over.load(std::memory_order_acquire);
}

// It was taken for a sink that broke before the record reached it.
bool publisher::goes_to_successor(const broker::outgoing& record, const error& why) noexcept {
    if (why != errc::client_fatal || has_no_successor(record)) return false;
    return succession_.hold(record) || (!is_of_sink_in_use(record) && send_to_last_sink(record).has_value());
}

result<void> publisher::send_to_last_sink(broker::outgoing record) noexcept {
    const auto* const to = static_cast<const published_topic*>(record.topic->user);
    const auto* const route = to->route_.load(std::memory_order_acquire);
    record.topic = route->topic;
    return route->sink->send(record);
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
        if (sent.error() == errc::client_fatal && !has_no_successor(some.front().record) &&
            succession_.put_back(some))
            return;
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

void publisher::export_figures() {
    auto bring = [](published_topic::exported& into, std::uint64_t now) {
        into.figure.add(now - into.seen);
        into.seen = now;
    };
    const std::lock_guard lock(topics_mutex_);
    for (auto& [name, topic] : topics_) {
        std::uint64_t acknowledged = 0, failed = 0, possibly = 0;
        for (const auto& route : routes_) {
            if (route.topic->name() != name) continue;
            acknowledged += route.topic->ended.acknowledged.load(std::memory_order_relaxed);
            failed += route.topic->ended.failed.load(std::memory_order_relaxed);
            possibly += route.topic->ended.possibly_persisted.load(std::memory_order_relaxed);
        }
        bring(topic->acknowledged_, acknowledged);
        bring(topic->failed_, failed);
        bring(topic->possibly_, possibly);
    }
    records_in_flight_.set(static_cast<double>(credit_.records()));
    bytes_in_flight_.set(static_cast<double>(credit_.bytes()));
}

void publisher::refused(const broker::outgoing& record, error&& why) noexcept {
    if (goes_to_successor(record, why)) return;
    intake_.refuse(record, std::move(why));
    tell_refused_later();
}

void publisher::tell_refused_later() noexcept {
    if (!teller_.queued.exchange(true, std::memory_order_acq_rel)) delivery_loop().post(teller_);
}

void publisher::teller::run_once(work& node) noexcept {
    auto& self = static_cast<teller&>(node);
    publisher& owner = self.of;
    self.queued.store(false, std::memory_order_release);
    owner.tell_refused();
    if (owner.closed_.load(std::memory_order_relaxed)) owner.all_told_.set();
}

bool publisher::bundle_began() noexcept {
    open_bundles_.fetch_add(1, std::memory_order_seq_cst);
    if (!closed_.load(std::memory_order_seq_cst)) return true; // close() sees this bundle
    bundle_ended();
    return false;
}

void publisher::bundle_ended() noexcept {
    if (open_bundles_.fetch_sub(1, std::memory_order_seq_cst) == 1) bundles_ended_.set();
}

void publisher::tell_refused() noexcept {
    for (auto& each : intake_.take_refused()) {
        const broker::outgoing& record = each.record;
        if (goes_to_successor(record, each.why)) continue;
        if (record.node) {
            auto& op = static_cast<send_operation&>(*record.node);
            credit_.give(credit::tally::awaited, 1, record.bytes());
            op.failure = std::move(each.why);
            op.complete();
            continue;
        }
        const auto partition =
            record.choice.is_explicit ? static_cast<std::int32_t>(record.choice.value) : -1;
        post_failed({.topic = record.topic->name(),
                     .partition = partition_id(partition),
                     .key = record.key,
                     .value = record.value,
                     .headers = record.headers,
                     .persisted = broker::persistence::no,
                     .why = each.why,
                     .generation = record.generation});
        credit_.give(credit::posted(record.generation), 1, record.bytes());
    }
    credit_came_back();
}

void publisher::sweeper::run_once(work& node) noexcept {
    publisher& owner = static_cast<sweeper&>(static_cast<timer&>(node)).of;
    const bool again = owner.intake_.sweep();
    owner.tell_refused();
    if (again) owner.sweep_later();
}

void publisher::sweep_later() noexcept {
    if (!sweeper_.pending()) delivery_loop().at(delivery_loop().steady_now() + sweeper_.period, sweeper_);
}

} // namespace corvid
