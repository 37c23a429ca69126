// SPDX-License-Identifier: Apache-2.0
#include <corvid/produce/publisher.hpp>

#include <corvid/base/random.hpp>

#include <exception>
#include <mutex>

namespace corvid {

// Metrics outlive publishers: their export finds none instead of a dead one.
struct publisher::exporter {
    std::mutex mutex;
    publisher* owner = nullptr;
};

// A plain thread that waits for credit.
struct publisher::blocked_thread {
    signal go_on;
};

namespace {

credit::tally posted(bool generation) noexcept {
    return generation ? credit::tally::posted_odd : credit::tally::posted_even;
}

std::uint64_t bytes_of(const broker::outgoing& record) noexcept {
    return record.key.size() + record.value.size();
}

} // namespace

publisher::publisher(broker::cluster& cluster, scheduler& root, producer_settings settings, logger log,
                     metrics* figures)
    : cluster_(cluster),
      root_(root),
      settings_(std::move(settings)),
      log_(std::move(log)),
      figures_(figures),
      credit_(settings_.in_flight) {
    if (auto valid = validate(settings_); !valid) throw config_error(std::move(valid).error());
    if (settings_.seed == 0) settings_.seed = entropy_seed();
    signal opened;
    std::exception_ptr failure;
    thread_ = root.run_thread("corvid-deliver", [&](scheduler& delivery) {
        try {
            open_sink(delivery);
        } catch (...) {
            failure = std::current_exception();
        }
        opened.set();
    });
    root.wait(opened, std::nullopt);
    if (failure) std::rethrow_exception(failure);
    exporter_ = std::make_shared<exporter>();
    exporter_->owner = this;
    if (figures_)
        figures_->before_export([kept = exporter_] {
            const std::lock_guard lock(kept->mutex);
            if (kept->owner) kept->owner->export_figures();
        });
}

publisher::~publisher() {
    if (auto closed = close(settings_.sink.message_timeout); !closed)
        log_.error("not all that was sent was acknowledged", closed.error());
    const std::lock_guard lock(exporter_->mutex);
    exporter_->owner = nullptr;
}

void publisher::open_sink(scheduler& delivery) {
    auto sink = cluster_.open_sink(settings_.sink, delivery, *this);
    const std::lock_guard lock(topics_mutex_);
    sinks_.push_back(std::move(sink));
}

result<published_topic*> publisher::topic(const topic_name& name,
                                          std::optional<partition_strategy> strategy) {
    if (!is_kafka_topic(name.str())) return fail(topic_name::checked(unchecked(name.str())).error());
    const std::lock_guard lock(topics_mutex_);
    auto& entry = topics_[name];
    if (entry) return entry.get();
    std::unique_ptr<published_topic> made(new published_topic(name, strategy.value_or(settings_.partitioning),
                                                              settings_.seed + topics_.size()));
    if (auto routed = add_route(*made); !routed) {
        topics_.erase(name);
        return fail(std::move(routed).error());
    }
    if (figures_) {
        made->acknowledged_.figure = figures_->counter_of(metric::messages_produced, {name.str(), "acked"});
        made->failed_.figure = figures_->counter_of(metric::messages_produced, {name.str(), "failed"});
        made->possibly_.figure =
            figures_->counter_of(metric::messages_produced, {name.str(), "possibly_persisted"});
    }
    entry = std::move(made);
    return entry.get();
}

result<void> publisher::add_route(published_topic& to) {
    auto resolved = sinks_.back()->topic(to.name());
    if (!resolved) return fail(std::move(resolved).error());
    routes_.push_back({sinks_.back().get(), *resolved});
    to.route_.store(&routes_.back(), std::memory_order_release);
    return {};
}

error publisher::no_such_partition(const published_topic& to, const send_options& options) {
    return error(errc::unknown_partition,
                 {.operation = "send", .topic = to.name().str(), .partition = options.partition->value});
}

result<void> publisher::dispatch(const published_topic& to, broker::outgoing& record) noexcept {
    const auto* route = to.route_.load(std::memory_order_acquire);
    record.topic = route->topic;
    return route->sink->send(record);
}

result<void> publisher::post(published_topic& to, optional_bytes key, optional_bytes value,
                             const send_options& options) {
    broker::outgoing record{.key = key, .value = value};
    if (!prepare(to, record, options)) return fail(no_such_partition(to, options));
    return post(to, record);
}

result<void> publisher::post(published_topic& to, optional_bytes key, optional_bytes value) {
    broker::outgoing record{.key = key, .value = value};
    record.choice = to.partitions_.choose(key, bytes_of(record));
    return post(to, record);
}

result<void> publisher::post(published_topic& to, broker::outgoing& record) {
    const bool generation = (generation_.load(std::memory_order_acquire) & 1U) != 0;
    const std::uint64_t bytes = bytes_of(record);
    if (!reserve(bytes, posted(generation))) {
        note_failure(generation, queue_full(to));
        return fail(queue_full(to));
    }
    record.generation = generation;
    auto sent = dispatch(to, record);
    if (!sent) [[unlikely]] {
        note_failure(generation, sent.error());
        credit_.give(posted(generation), 1, bytes);
        wake_waiting();
        end_flush_if_done();
    }
    return sent;
}

// --- credit
// ---------------------------------------------------------------------------------------------------------

bool publisher::launch(send_operation& op) noexcept {
    const auto bytes = bytes_of(op.record_);
    if (take_credit(bytes, credit::tally::awaited)) [[likely]]
        return dispatch(op);
    return wait_for_turn(op);
}

bool publisher::dispatch(send_operation& op) noexcept {
    const auto bytes = bytes_of(op.record_);
    auto sent =
        dispatch(*op.topic_, op.record_); // op may be completed, and gone, from here on unless this failed
    if (sent) return true;
    op.failure = std::move(sent).error();
    credit_.give(credit::tally::awaited, 1, bytes);
    return false;
}

bool publisher::wait_for_turn(send_operation& op) noexcept {
    {
        const std::lock_guard lock(waiting_mutex_);
        waiting_.push_back(&op);
        somebody_waits_.store(true, std::memory_order_relaxed);
    }
    // Either this thread sees the credit that was given back meanwhile, or the one that gave it sees who
    // waits.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    wake_waiting();
    return true;
}

bool publisher::reserve_later(std::uint64_t bytes, credit::tally which) {
    for (;;) {
        if (closed_.load(std::memory_order_relaxed) || scheduler::current())
            return credit_.overdraw(which, bytes);
        blocked_thread self;
        {
            const std::lock_guard lock(waiting_mutex_);
            blocked_.push_back(&self);
            somebody_waits_.store(true, std::memory_order_relaxed);
        }
        std::atomic_thread_fence(std::memory_order_seq_cst);
        wake_waiting();
        if (!root_.wait(self.go_on, root_.steady_now() + settings_.sink.message_timeout)) {
            const std::lock_guard lock(waiting_mutex_);
            if (std::erase(blocked_, &self) == 1) return false;
        }
        if (take_credit(bytes, which)) return true;
    }
}

void publisher::wake_waiting() noexcept {
    if (!somebody_waits_.load(std::memory_order_relaxed) || !credit_.is_low()) return;
    std::vector<send_operation*> ready;
    {
        const std::lock_guard lock(waiting_mutex_);
        while (!waiting_.empty() &&
               credit_.take(credit::tally::awaited, bytes_of(waiting_.front()->record_))) {
            ready.push_back(waiting_.front());
            waiting_.pop_front();
        }
        for (blocked_thread* thread : blocked_)
            thread->go_on.set();
        blocked_.clear();
        somebody_waits_.store(!waiting_.empty(), std::memory_order_relaxed);
    }
    for (send_operation* op : ready)
        if (!dispatch(*op)) op->complete();
}

error publisher::queue_full(const published_topic& to) const {
    return error(errc::queue_full,
                 {.message = std::to_string(credit_.records()) + " records and " +
                             std::to_string(credit_.bytes()) + " bytes are in flight",
                  .hint = "wait for what is in flight (co_await flush()), or raise produce.in_flight",
                  .operation = "send",
                  .topic = to.name().str()});
}

// --- reports
// --------------------------------------------------------------------------------------------------------

void publisher::delivered(broker::delivery_batch&& batch) noexcept {
    credit_.give(credit::tally::awaited, batch.node_records, batch.node_bytes);
    credit_.give(credit::tally::posted_even, batch.posted_records[0], batch.posted_bytes[0]);
    credit_.give(credit::tally::posted_odd, batch.posted_records[1], batch.posted_bytes[1]);
    {
        const detail::post_batch together;
        while (work* node = batch.nodes.pop())
            node->run(*node);
    }
    std::atomic_thread_fence(std::memory_order_seq_cst);
    wake_waiting();
    end_flush_if_done();
}

void publisher::post_failed(const broker::failed_post& record) noexcept {
    log_.error("a posted record failed", record.why,
               {{"topic", record.topic.str()}, {"partition", record.partition.value}});
    note_failure(record.generation, record.why);
    if (settings_.on_failed_post) settings_.on_failed_post(record);
}

void publisher::warned(const error& why) noexcept { log_.warn("producer", why); }

void publisher::broken(const error& why) noexcept {
    log_.error("the producer is replaced", why);
    try {
        open_sink(*scheduler::current()); // the delivery loop
        const std::lock_guard lock(topics_mutex_);
        for (auto& [name, topic] : topics_)
            if (auto routed = add_route(*topic); !routed)
                log_.error("a topic was not resolved", routed.error());
        rebuilds_.fetch_add(1, std::memory_order_relaxed);
        if (figures_) figures_->counter_of(metric::producer_rebuilds).add();
        sinks_[sinks_.size() - 2]->purge();
    } catch (const std::exception& e) {
        log_.critical("the producer could not be replaced", error(errc::client_fatal, {.message = e.what()}));
    }
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
    figures_->gauge_of(metric::producer_inflight_messages).set(static_cast<double>(credit_.records()));
    figures_->gauge_of(metric::producer_inflight_bytes).set(static_cast<double>(credit_.bytes()));
}

// --- flush
// ----------------------------------------------------------------------------------------------------------

bool publisher::begin_flush(flush_operation& op) noexcept {
    {
        const std::lock_guard lock(flush_mutex_);
        if (draining_) {
            flushing_next_.push_back(&op);
        } else {
            draining_ = true;
            flushing_now_.push_back(&op);
            generation_.fetch_add(1, std::memory_order_acq_rel);
            flushing_.store(true, std::memory_order_relaxed);
        }
    }
    std::atomic_thread_fence(std::memory_order_seq_cst);
    for (broker::record_sink* sink : all_sinks())
        sink->hurry();
    end_flush_if_done();
    return true;
}

void publisher::end_flush_if_done() noexcept {
    if (!flushing_.load(std::memory_order_relaxed)) return;
    for (;;) {
        std::vector<flush_operation*> done;
        {
            const std::lock_guard lock(flush_mutex_);
            const bool old = (generation_.load(std::memory_order_relaxed) & 1U) == 0;
            if (!draining_ || !credit_.is_empty(posted(old))) return;
            done.swap(flushing_now_);
            for (flush_operation* op : done)
                op->failure_ = first_failure_[old];
            first_failure_[old].reset();
            draining_ = !flushing_next_.empty();
            flushing_now_.swap(flushing_next_);
            if (draining_) generation_.fetch_add(1, std::memory_order_acq_rel);
            flushing_.store(draining_, std::memory_order_relaxed);
        }
        for (flush_operation* op : done)
            op->complete();
    }
}

void publisher::note_failure(bool generation, const error& why) noexcept {
    const std::lock_guard lock(flush_mutex_);
    if (!first_failure_[generation]) first_failure_[generation] = why;
}

result<void> publisher::close(std::chrono::milliseconds patience) {
    if (closed_.exchange(true)) return {};
    result<void> answer;
    for (broker::record_sink* sink : all_sinks())
        if (auto ended = sink->close(patience); !ended && answer) answer = std::move(ended);
    wake_waiting();
    return answer;
}

std::vector<broker::record_sink*> publisher::all_sinks() {
    const std::lock_guard lock(topics_mutex_);
    std::vector<broker::record_sink*> all;
    for (const auto& sink : sinks_)
        all.push_back(sink.get());
    return all;
}

} // namespace corvid
