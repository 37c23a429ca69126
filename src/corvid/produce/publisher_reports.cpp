// SPDX-License-Identifier: Apache-2.0
//
// What a publisher hears on its delivery loop: reports and refusals.
#include <corvid/produce/publisher.hpp>

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
