// SPDX-License-Identifier: Apache-2.0
#include <corvid/memory/detail/outbox.hpp>

#include <charconv>

namespace corvid::memory {

using broker::persistence;

namespace {

void read_limit(const broker::sink_settings& settings, const std::string& name, std::uint64_t unit,
                std::uint64_t& into) {
    const auto found = settings.properties.find(name);
    if (found == settings.properties.end()) return;
    const std::string& text = found->second;
    std::uint64_t value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc() || end != text.data() + text.size() || value == 0)
        throw config_error(
            error(errc::invalid_setting, {.message = name + " is \"" + text + "\", not a number above 0",
                                          .operation = "open producer"}));
    into = value * unit;
}

error about(errc code, const outbox_topic& topic, std::optional<std::int32_t> partition,
            std::string message = {}) {
    return error(code, {.message = std::move(message),
                        .operation = "send",
                        .topic = topic.name().str(),
                        .partition = partition});
}

} // namespace

outbox_limits limits_of(const broker::sink_settings& settings) {
    if (!settings.transactional_id.empty())
        throw config_error(error(errc::unsupported, {.message = "the in-process broker knows no transactions",
                                                     .hint = "leave transactional_id empty",
                                                     .operation = "open producer"}));
    outbox_limits limits{.record_bytes = settings.max_record_bytes,
                         .message_timeout = settings.message_timeout};
    read_limit(settings, "queue.buffering.max.messages", 1, limits.records);
    read_limit(settings, "queue.buffering.max.kbytes", 1024, limits.bytes);
    return limits;
}

// ---- sending
// -------------------------------------------------------------------------------------------------------

partition_id outbox::partition_of(broker::partition_choice choice, const topic& of) noexcept {
    const auto value = static_cast<std::int32_t>(choice.value);
    return partition_id(choice.is_explicit ? value : value % of.spec.partitions);
}

std::optional<error> outbox::refusal(const broker::outgoing& record, outbox_topic& to,
                                     std::size_t payload) const {
    if (closed_) return about(errc::producer_closed, to, std::nullopt);
    if (broken_) return about(errc::client_fatal, to, std::nullopt, std::string(broken_->message()));
    const std::size_t ours = limits_.record_bytes + (record.is_transfer ? broker::transfer_room : 0);
    const std::size_t most = std::min(ours, to.of().max_message_bytes);
    if (payload > most)
        return about(errc::message_too_large, to, std::nullopt,
                     "a record of " + std::to_string(payload) + " bytes; at most " + std::to_string(most) +
                         " are taken");
    if (to.of().deleted.load(std::memory_order_relaxed)) return about(errc::unknown_topic, to, std::nullopt);
    const partition_id partition = partition_of(record.choice, to.of());
    if (partition.value >= to.of().spec.partitions)
        return about(errc::unknown_partition, to, partition.value,
                     "the topic has " + std::to_string(to.of().spec.partitions) + " partitions");
    if (in_flight_ >= limits_.records || bytes_in_flight_ + payload > limits_.bytes)
        return about(errc::queue_full, to, std::nullopt,
                     std::to_string(in_flight_) + " records are in flight");
    return std::nullopt;
}

std::int64_t outbox::stamp(const topic& of, std::int64_t given) const {
    return given >= 0 && !of.stamped_on_append ? given : clock_.wall_now().time_since_epoch().count();
}

result<void> outbox::send(const broker::outgoing& record, bool& must_wait) {
    auto& to = static_cast<outbox_topic&>(*record.topic);
    const auto size = static_cast<std::uint32_t>(record.key.size() + record.value.size());
    const std::size_t payload = payload_size(record);
    const std::lock_guard lock(mutex_);
    if (auto why = refusal(record, to, payload)) return fail(std::move(*why));
    ++in_flight_;
    bytes_in_flight_ += size;
    if (record.node) {
        record.node->topic = &to;
        record.node->bytes = size;
    }
    if (queue_.empty() && !script_.disturbed()) {
        const partition_id partition = partition_of(record.choice, to.of());
        const std::int64_t time = stamp(to.of(), record.timestamp);
        const std::int64_t at = to.of().log_of(partition)->append(record, time);
        report(record, size, partition, at, time);
        return {};
    }
    const steady_time now = clock_.steady_now();
    queue_.push_back(waiting{.bytes = owned_frame(record),
                             .choice = record.choice,
                             .topic = &to,
                             .node = record.node,
                             .size = size,
                             .generation = record.generation,
                             .sent = now,
                             .due = now + script_.delay(),
                             .expires = limits_.message_timeout.count() == 0
                                            ? steady_time::max()
                                            : now + limits_.message_timeout});
    queue_.back().bytes.get().timestamp = stamp(to.of(), record.timestamp);
    while (!queue_.empty() && advance_first(now)) {}
    must_wait = !queue_.empty();
    return {};
}

void outbox::write(waiting& record, bool reported) {
    topic& of = record.topic->of();
    const partition_id partition = partition_of(record.choice, of);
    const std::int64_t time = stamp(of, record.bytes.get().timestamp);
    const std::int64_t at = of.log_of(partition)->append(record.bytes.get(), time);
    if (reported)
        report({.topic = record.topic, .node = record.node, .generation = record.generation}, record.size,
               partition, at, time, record.sent);
}

// Ends the first record's wait if its time has come.
bool outbox::advance_first(steady_time now) {
    waiting& first = queue_.front();
    if (first.expires <= now) {
        report_failure(std::move(first),
                       about(errc::not_persisted, *first.topic, std::nullopt, "message_timeout is over"),
                       persistence::no);
    } else if (script_.down() || first.due > now) {
        return false;
    } else if (first.topic->of().deleted.load()) {
        report_failure(std::move(first), about(errc::unknown_topic, *first.topic, std::nullopt),
                       persistence::no);
    } else if (auto scripted = script_.draw_failure()) {
        if (scripted->persisted != persistence::no) write(first, false);
        report_failure(std::move(first), std::move(scripted->why), scripted->persisted);
    } else {
        write(first, true);
    }
    queue_.pop_front();
    return true;
}

void outbox::advance() {
    const steady_time now = clock_.steady_now();
    const std::lock_guard lock(mutex_);
    while (!queue_.empty() && advance_first(now)) {}
}

std::optional<steady_time> outbox::next_due() const {
    const std::lock_guard lock(mutex_);
    if (queue_.empty()) return std::nullopt;
    const waiting& first = queue_.front();
    return script_.down() ? first.expires : std::min(first.due, first.expires);
}

void outbox::fail_all(const error& why) {
    for (waiting& one : queue_)
        report_failure(std::move(one), why, persistence::no);
    queue_.clear();
}

std::size_t outbox::purge() {
    const std::lock_guard lock(mutex_);
    if (broken_) return 0; // visit() sees to what waits
    const std::size_t given_up = queue_.size();
    fail_all(error(errc::not_persisted, {.message = "given up before it was sent", .operation = "send"}));
    return given_up;
}

void outbox::break_down(const error& why) {
    const std::lock_guard lock(mutex_);
    if (closed_ || broken_) return;
    broken_ = why;
    reports_->broke = why;
    wake();
}

// Once the listener knows: what waits was never sent.
void outbox::pass_on() {
    std::deque<waiting> unsent;
    {
        const std::lock_guard lock(mutex_);
        unsent.swap(queue_);
    }
    header_list list;
    for (waiting& one : unsent) {
        const auto& frame = one.bytes.get();
        list.clear();
        frame.read_headers(list);
        const bool passed = listener_.passed_on({.topic = one.topic,
                                                 .key = frame.key(),
                                                 .value = frame.value(),
                                                 .headers = list,
                                                 .timestamp = frame.timestamp,
                                                 .choice = one.choice,
                                                 .node = one.node,
                                                 .generation = one.generation,
                                                 .is_transfer = true});
        const std::lock_guard lock(mutex_);
        if (!passed) {
            report_failure(std::move(one), *broken_, persistence::no);
            continue;
        }
        --in_flight_;
        bytes_in_flight_ -= one.size;
    }
}

std::size_t outbox::unreported() const {
    const std::lock_guard lock(mutex_);
    return in_flight_;
}

void outbox::warn(const error& why) {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    reports_->warnings.push_back(why);
    wake();
}

bool outbox::close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    return in_flight_ == 0;
}

void outbox::abandon() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    queue_.clear();
    reports_.emplace();
}

// ---- reporting
// -----------------------------------------------------------------------------------------------------

void outbox::count(broker::send_node* node, bool generation, std::uint32_t size) {
    broker::delivery_batch& batch = reports_->batch;
    if (node) {
        batch.nodes.push(*node);
        ++batch.node_records;
        batch.node_bytes += size;
    } else {
        ++batch.posted_records[generation ? 1 : 0];
        batch.posted_bytes[generation ? 1 : 0] += size;
    }
    wake();
}

outbox_topic::uncounted& outbox::counts_of(outbox_topic& of, std::optional<steady_time> sent) {
    outbox_topic::uncounted& fresh = of.fresh;
    if (fresh.acknowledged + fresh.failed + fresh.possibly_persisted == 0) {
        reports_->touched.push_back(&of);
        fresh.since = sent ? *sent : clock_.steady_now();
    }
    return fresh;
}

void outbox::report(const broker::outgoing& record, std::uint32_t size, partition_id partition,
                    std::int64_t at, std::int64_t timestamp, std::optional<steady_time> sent) {
    ++counts_of(static_cast<outbox_topic&>(*record.topic), sent).acknowledged;
    if (record.node) {
        record.node->partition = partition;
        record.node->at = offset(at);
        record.node->timestamp = timestamp;
        record.node->persisted = persistence::yes;
        record.node->failure.reset();
    }
    count(record.node, record.generation, size);
}

void outbox::report_failure(waiting&& record, error why, persistence persisted) {
    const partition_id partition = partition_of(record.choice, record.topic->of());
    outbox_topic::uncounted& counts = counts_of(*record.topic, record.sent);
    ++(persisted == persistence::no ? counts.failed : counts.possibly_persisted);
    if (record.node) {
        record.node->partition = partition;
        record.node->persisted = persisted;
        record.node->failure = std::move(why);
    } else {
        reports_->posts_failed.push_back(failed{.bytes = std::move(record.bytes),
                                                .topic = record.topic,
                                                .partition = partition,
                                                .persisted = persisted,
                                                .why = std::move(why),
                                                .generation = record.generation});
    }
    count(record.node, record.generation, record.size);
}

void outbox::hand_over(reports& now) {
    for (const error& one : now.warnings)
        listener_.warned(one);
    if (now.broke) {
        listener_.broken(*now.broke);
        pass_on();
    }
    header_list list;
    for (const failed& one : now.posts_failed) {
        list.clear();
        one.bytes.get().read_headers(list);
        listener_.post_failed({.topic = one.topic->name(),
                               .partition = one.partition,
                               .key = one.bytes.get().key(),
                               .value = one.bytes.get().value(),
                               .headers = list,
                               .persisted = one.persisted,
                               .why = one.why,
                               .generation = one.generation});
    }
    for (const reports::answer& one : now.answers)
        listener_.answered(*one.topic, clock_.steady_now() - one.sent, one.records);
    if (now.records() != 0) listener_.delivered(std::move(now.batch));
}

outbox::reports outbox::take_reports() {
    const std::lock_guard lock(mutex_);
    reports now(std::move(*reports_));
    reports_.emplace();
    for (outbox_topic* one : now.touched) {
        const outbox_topic::uncounted fresh = std::exchange(one->fresh, {});
        if (fresh.acknowledged != 0)
            now.answers.push_back({.topic = one, .sent = fresh.since, .records = fresh.acknowledged});
        one->ended.acknowledged.fetch_add(fresh.acknowledged, std::memory_order_relaxed);
        one->ended.failed.fetch_add(fresh.failed, std::memory_order_relaxed);
        one->ended.possibly_persisted.fetch_add(fresh.possibly_persisted, std::memory_order_relaxed);
    }
    return now;
}

void outbox::visit() noexcept {
    reports now = take_reports();
    const std::uint64_t records = now.records();
    const std::uint64_t bytes = now.bytes();
    hand_over(now);
    const std::lock_guard lock(mutex_);
    in_flight_ -= records;
    bytes_in_flight_ -= bytes;
    if (closed_ && in_flight_ == 0) drained.set();
}

} // namespace corvid::memory
