// SPDX-License-Identifier: Apache-2.0
#include <corvid/produce/publisher.hpp>

#include <corvid/base/random.hpp>

#include <algorithm>
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

publisher::publisher(broker::cluster& cluster, scheduler& root, producer_settings settings, logger log,
                     metrics* figures)
    : cluster_(cluster),
      root_(root),
      settings_(std::move(settings)),
      log_(std::move(log)),
      figures_(figures),
      credit_(settings_.in_flight),
      teller_(*this),
      sweeper_(*this, std::min<duration>(settings_.sink.linger / 4, std::chrono::milliseconds(1))) {
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
    if (figures_) {
        records_in_flight_ = figures_->gauge_of(metric::producer_inflight_messages);
        bytes_in_flight_ = figures_->gauge_of(metric::producer_inflight_bytes);
        figures_->before_export([kept = exporter_] {
            const std::lock_guard lock(kept->mutex);
            if (kept->owner) kept->owner->export_figures();
        });
    }
}

publisher::~publisher() {
    if (auto closed = close(settings_.sink.message_timeout); !closed)
        log_.error("not all that was sent was acknowledged", closed.error());
    thread_.reset(); // what it has still to tell names topics of the sinks
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
        made->took_ = figures_->histogram_of(metric::produce_duration, {name.str()});
    }
    entry = std::move(made);
    return entry.get();
}

result<void> publisher::add_route(published_topic& to) {
    auto resolved = sinks_.back()->topic(to.name());
    if (!resolved) return fail(std::move(resolved).error());
    (*resolved)->user = &to;
    routes_.emplace_back(sinks_.back().get(), *resolved);
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
    if (succession_.is_open()) [[unlikely]] {
        if (wait_for_successor(record)) return {};
        route = to.route_.load(std::memory_order_acquire);
        record.topic = route->topic;
    }
    if (goes_along(*route->sink, record)) return {};
    auto sent = route->sink->send(record); // once it is sent, its operation may be gone
    if (sent || sent.error() != errc::client_fatal) [[likely]]
        return sent;
    if (wait_for_successor(record)) return {};
    return to.route_.load(std::memory_order_acquire) == route ? std::move(sent) : dispatch(to, record);
}

result<void> publisher::post(published_topic& to, optional_bytes key, optional_bytes value,
                             const send_options& options) {
    broker::outgoing record{.key = key, .value = value};
    if (!prepare(to, record, options)) return fail(no_such_partition(to, options));
    return post(to, record);
}

result<void> publisher::post(published_topic& to, optional_bytes key, optional_bytes value) {
    broker::outgoing record{.key = key, .value = value};
    record.choice = to.partitions_.choose(key, record.bytes());
    return post(to, record);
}

result<void> publisher::post(published_topic& to, broker::outgoing& record) {
    const std::uint64_t bytes = record.bytes();
    record.generation = is_odd(generation_.load(std::memory_order_seq_cst));
    if (!reserve(bytes, credit::posted(record.generation))) {
        note_failure(record.generation, queue_full(to));
        return fail(queue_full(to));
    }
    join_generation(record);
    auto sent = dispatch(to, record);
    if (!sent) [[unlikely]] {
        note_failure(record.generation, sent.error());
        give_back(credit::posted(record.generation), bytes);
    }
    return sent;
}

// While the credit was waited for a flush may have begun, and even ended: the record belongs to the
// generation that a flush after it would wait for. Either this sees the flush's new generation, or the flush
// this record.
void publisher::join_generation(broker::outgoing& record) noexcept {
    for (;;) {
        const bool now = is_odd(generation_.load(std::memory_order_seq_cst));
        if (now == record.generation) [[likely]]
            return;
        credit_.move(credit::posted(record.generation), credit::posted(now), record.bytes());
        record.generation = now;
        end_flush_if_done();
    }
}

// --- credit
// ---------------------------------------------------------------------------------------------------------

bool publisher::launch(send_operation& op) noexcept {
    const auto bytes = op.record_.bytes();
    if (!take_credit(bytes, credit::tally::awaited)) [[unlikely]]
        return wait_for_turn(op);
    if (dispatch(op)) [[likely]]
        return true;
    give_back(credit::tally::awaited, bytes);
    return false;
}

bool publisher::dispatch(send_operation& op) noexcept {
    auto sent = dispatch(*op.topic_, op.record_); // unless it failed, op may be completed, and gone, now
    if (sent) return true;
    op.failure = std::move(sent).error();
    return false;
}

// The only way back for credit that no report brings: whoever waits for it, or for an empty tally, must hear.
void publisher::give_back(credit::tally to, std::uint64_t bytes) noexcept {
    credit_.give(to, 1, bytes);
    credit_came_back();
}

// Either this thread sees who waits, or the one that waits sees the credit.
void publisher::credit_came_back() noexcept {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    wake_waiting();
    end_flush_if_done();
}

bool publisher::goes_along(broker::record_sink& to, const broker::outgoing& record) noexcept {
    if (closed_.load(std::memory_order_relaxed)) return false;
    if (!scheduler::current()) return sweeper_.period > duration::zero() && intake_.take(to, record);
    auto& gathered = detail::gather::here();
    if (gathered.take(to, record, *this)) return true;
    gathered.hand_over();
    return false;
}

bool publisher::wait_for_turn(send_operation& op) noexcept {
    {
        const std::lock_guard lock(waiting_mutex_);
        waiting_.push_back({&op, detail::record_copy(op.record_)});
        somebody_waits_.store(true, std::memory_order_relaxed);
    }
    credit_came_back(); // perhaps before this one stood in line
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
        credit_came_back();
        if (!root_.wait(self.go_on, root_.steady_now() + settings_.sink.message_timeout)) {
            const std::lock_guard lock(waiting_mutex_);
            if (std::erase(blocked_, &self) == 1) return false;
        }
        if (take_credit(bytes, which)) return true;
    }
}

// A send that is refused gives its credit to the next.
void publisher::wake_waiting() noexcept {
    while (somebody_waits_.load(std::memory_order_relaxed) && credit_.is_low())
        if (!wake_some()) return;
}

bool publisher::wake_some() noexcept {
    std::vector<waiting_send> ready;
    {
        const std::lock_guard lock(waiting_mutex_);
        while (!waiting_.empty() &&
               credit_.take(credit::tally::awaited, waiting_.front().op->record_.bytes())) {
            ready.push_back(std::move(waiting_.front()));
            waiting_.pop_front();
        }
        for (blocked_thread* thread : blocked_)
            thread->go_on.set();
        blocked_.clear();
        somebody_waits_.store(!waiting_.empty(), std::memory_order_relaxed);
    }
    bool refused = false;
    for (const waiting_send& each : ready) {
        if (dispatch(*each.op)) continue;
        credit_.give(credit::tally::awaited, 1, each.op->record_.bytes());
        each.op->complete();
        refused = true;
    }
    return refused;
}

error publisher::queue_full(const published_topic& to) const {
    return error(errc::queue_full,
                 {.message = std::to_string(credit_.records()) + " records and " +
                             std::to_string(credit_.bytes()) + " bytes are in flight",
                  .hint = "wait for what is in flight (co_await flush()), or raise produce.in_flight",
                  .operation = "send",
                  .topic = to.name().str()});
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
            generation_.fetch_add(1, std::memory_order_seq_cst);
            flushing_.store(true, std::memory_order_relaxed);
        }
    }
    std::atomic_thread_fence(std::memory_order_seq_cst);
    detail::gather::here().hand_over();
    intake_.hand_over();
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
            const bool old = !is_odd(generation_.load(std::memory_order_relaxed));
            if (!draining_ || !credit_.is_empty(credit::posted(old))) return;
            done.swap(flushing_now_);
            for (flush_operation* op : done)
                op->failure_ = first_failure_[old];
            first_failure_[old].reset();
            draining_ = !flushing_next_.empty();
            flushing_now_.swap(flushing_next_);
            if (draining_) generation_.fetch_add(1, std::memory_order_seq_cst);
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
    if (closed_.exchange(true, std::memory_order_seq_cst)) return {};
    const steady_time until = root_.steady_now() + patience;
    bundle_ended(); // the one that stands for not being closed
    (void)root_.wait(bundles_ended_, until);
    intake_.shut();
    finish_succession(until);
    tell_refused_later(); // before the sinks' own farewell
    (void)root_.wait(all_told_, until);
    const auto left = [&] {
        return std::max(std::chrono::floor<std::chrono::milliseconds>(until - root_.steady_now()),
                        std::chrono::milliseconds(0));
    };
    result<void> answer;
    for (broker::record_sink* sink : all_sinks())
        if (auto ended = sink->close(left()); !ended && answer) answer = std::move(ended);
    credit_came_back();
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
