// SPDX-License-Identifier: Apache-2.0
#include <corvid/kafka/detail/source.hpp>

#include <corvid/base/result.hpp>
#include <corvid/kafka/detail/error_map.hpp>
#include <corvid/kafka/detail/message_batch.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace corvid::kafka {

using broker::slot;
using broker::source_event;

namespace {

constexpr std::size_t index_of(slot which) noexcept { return static_cast<std::size_t>(which); }

/// The event of a subscribed topic that is not there names the topic in its text alone.
std::string topic_in(std::string_view text) {
    constexpr std::string_view prefix = "Subscribed topic not available: ";
    if (!text.starts_with(prefix)) return {};
    text.remove_prefix(prefix.size());
    return std::string(text.substr(0, text.find(':')));
}

/// Often enough for the poll interval, seldom enough to cost nothing.
duration beat_of(const broker::source_settings& settings) {
    return std::clamp<duration>(settings.max_poll_interval / 3, std::chrono::milliseconds(100),
                                std::chrono::seconds(30));
}

/// A batch of the log is; any other error of a fetch may pass.
bool is_broken(rd_kafka_resp_err_t native) noexcept {
    return native == RD_KAFKA_RESP_ERR__BAD_MSG || native == RD_KAFKA_RESP_ERR__BAD_COMPRESSION;
}

topic_pattern pattern_of(const std::string& text) {
    if (text.empty()) return {};
    auto made = topic_pattern::of(text);
    if (!made) throw config_error(std::move(made).error());
    return *std::move(made);
}

} // namespace

source::source(client_handle client, const broker::source_settings& settings, bool cooperative,
               scheduler& loop, broker::source_listener& listener)
    : client_(std::move(client)),
      loop_(loop),
      listener_(listener),
      cooperative_(cooperative),
      beat_(beat_of(settings)),
      named_(settings.topics.begin(), settings.topics.end()),
      except_(pattern_of(settings.except)),
      committer_(client_, loop),
      queue_(rd_kafka_queue_get_consumer(client_->get())),
      leaving_queue_(rd_kafka_queue_new(client_->get())),
      heartbeat_(*this),
      bridge_(loop, [](void* self) noexcept { static_cast<source*>(self)->listener_.ready(); }, this) {
    subscribe(settings);
    bridge_.attach(queue_.get());
    bridge_.attach(leaving_queue_.get());
    bridge_.wake();
    loop_.at(loop_.steady_now() + beat_, heartbeat_);
}

source::~source() {
    loop_.cancel(heartbeat_);
    for (const auto& partition : partitions_)
        if (partition) close_queue(*partition);
    event_bridge::detach(queue_.get());
    event_bridge::detach(leaving_queue_.get());
}

void source::subscribe(const broker::source_settings& settings) {
    const partitions_handle topics(
        rd_kafka_topic_partition_list_new(static_cast<int>(settings.topics.size()) + 1));
    for (const topic_name& topic : settings.topics)
        rd_kafka_topic_partition_list_add(topics.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
    if (!settings.pattern.empty()) { // librdkafka takes for a pattern what begins with ^, and searches
        const std::string pattern = topic_pattern::anchored(settings.pattern);
        rd_kafka_topic_partition_list_add(topics.get(), pattern.c_str(), RD_KAFKA_PARTITION_UA);
    }
    if (const rd_kafka_resp_err_t native = rd_kafka_subscribe(client_->get(), topics.get()))
        throw config_error(
            error(errc::invalid_setting,
                  {.message = "group " + settings.group + " cannot subscribe: " + rd_kafka_err2str(native),
                   .hint = "look at the topics and the pattern of the subscription",
                   .native_code = static_cast<int>(native)}));
}

void source::heartbeat::beat(work& node) noexcept {
    source& self = static_cast<heartbeat&>(node).owner;
    self.loop_.at(self.loop_.steady_now() + self.beat_, self.heartbeat_);
    auto event = self.poll();
    if (!event) return;
    self.waiting_.push_back(std::move(*event));
    self.listener_.ready();
}

std::optional<source_event> source::next_event() {
    if (!waiting_.empty()) {
        source_event first = std::move(waiting_.front());
        waiting_.pop_front();
        return first;
    }
    if (over_) return std::nullopt;
    if (auto event = poll()) return event;
    return closing_ ? leave() : std::nullopt;
}

std::optional<source_event> source::poll() {
    for (rd_kafka_queue_t* queue : {queue_.get(), leaving_queue_.get()})
        while (const event_handle event{rd_kafka_queue_poll(queue, 0)})
            if (auto translated = translate(event.get())) return translated;
    return std::nullopt;
}

std::optional<source_event> source::translate(rd_kafka_event_t* event) {
    switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_REBALANCE:
        return rebalance(event);
    case RD_KAFKA_EVENT_ERROR: {
        const rd_kafka_resp_err_t native = rd_kafka_event_error(event);
        const char* text = rd_kafka_event_error_string(event);
        if (native == RD_KAFKA_RESP_ERR__FATAL)
            return broker::source_error{fatal_error(client_->get(), text)};
        return broker::source_error{client_error(client_->get(), native, text, {.topic = topic_in(text)})};
    }
    case RD_KAFKA_EVENT_LOG: {
        const char* facility = nullptr;
        const char* text = nullptr;
        int level = 0;
        if (rd_kafka_event_log(event, &facility, &text, &level) != 0 || !worth_telling(facility))
            return std::nullopt;
        return broker::source_error{log_line(facility, text)};
    }
    default:
        return std::nullopt;
    }
}

std::optional<source_event> source::rebalance(rd_kafka_event_t* event) {
    const rd_kafka_topic_partition_list_t* list = rd_kafka_event_topic_partition_list(event);
    const rd_kafka_resp_err_t native = rd_kafka_event_error(event);
    if (native == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) return offer(*list);
    if (native == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS)
        return revoke(*list, rd_kafka_assignment_lost(client_->get()) != 0);
    rd_kafka_assign(client_->get(), nullptr);
    return broker::source_error{
        make_error(native, rd_kafka_event_error_string(event), {.operation = "rebalance"})};
}

std::optional<source_event> source::offer(const rd_kafka_topic_partition_list_t& list) {
    slots all;
    broker::assigned event;
    for (const auto& one : std::span(list.elems, static_cast<std::size_t>(list.cnt))) {
        topic_partition where{topic_name(one.topic), partition_id(one.partition)};
        if (is_excepted(where.topic)) continue; // it stays in the group with this member, unread
        const slot id = add_slot(where);
        all.push_back(id);
        event.partitions.push_back({.id = id, .where = std::move(where)});
    }
    if (all.empty()) {
        assign(all);
        return std::nullopt;
    }
    offered_ = std::move(all);
    return event;
}

std::optional<source_event> source::revoke(const rd_kafka_topic_partition_list_t& list, bool lost) {
    slots all;
    broker::revoked event{.partitions = {}, .lost = lost};
    for (const auto& one : std::span(list.elems, static_cast<std::size_t>(list.cnt)))
        for (std::size_t i = 0; i < partitions_.size(); ++i) {
            const held* known = partitions_[i].get();
            if (!known || known->where.partition.value != one.partition ||
                known->where.topic.str() != one.topic)
                continue;
            if (lost) committer_.disown(known->where);
            all.push_back(slot(i));
            event.partitions.push_back({.id = slot(i), .where = known->where});
        }
    if (all.empty()) {
        unassign(all);
        return std::nullopt;
    }
    revoked_ = std::move(all);
    return event;
}

std::optional<source_event> source::leave() {
    if (!left_) { // the group is being left: librdkafka brings a revoke, then this turns true
        if (!rd_kafka_consumer_closed(client_->get())) return std::nullopt;
        left_ = true;
    }
    if (revoked_) return std::nullopt;
    broker::revoked rest{.partitions = {}, .lost = true};
    slots all;
    for (std::size_t i = 0; i < partitions_.size(); ++i)
        if (partitions_[i]) {
            all.push_back(slot(i));
            committer_.disown(partitions_[i]->where);
            rest.partitions.push_back({.id = slot(i), .where = partitions_[i]->where});
        }
    if (!all.empty()) {
        revoked_ = std::move(all);
        return rest;
    }
    over_ = true;
    loop_.cancel(heartbeat_);
    committer_.end();
    return broker::closed{};
}

// Where the client could not leave it out by itself (client_config.cpp).
bool source::is_excepted(const topic_name& topic) const {
    return except_.matches(topic) && !named_.contains(topic);
}

slot source::add_slot(topic_partition where) {
    auto made = std::make_unique<held>(
        held{.where = std::move(where), .self = partitions_handle(rd_kafka_topic_partition_list_new(1))});
    rd_kafka_topic_partition_list_add(made->self.get(), made->where.topic.c_str(),
                                      made->where.partition.value);
    const auto free = std::ranges::find(partitions_, nullptr, &std::unique_ptr<held>::get);
    const auto place = static_cast<std::size_t>(free - partitions_.begin());
    if (free == partitions_.end())
        partitions_.push_back(std::move(made));
    else
        *free = std::move(made);
    return slot(place);
}

source::held* source::find(slot which) const noexcept {
    return index_of(which) < partitions_.size() ? partitions_[index_of(which)].get() : nullptr;
}

partitions_handle source::list_of(const slots& which) const {
    partitions_handle list(rd_kafka_topic_partition_list_new(static_cast<int>(which.size())));
    for (const slot one : which) {
        const held& partition = *find(one);
        auto& added = *rd_kafka_topic_partition_list_add(list.get(), partition.where.topic.c_str(),
                                                         partition.where.partition.value);
        if (partition.start) added.offset = partition.start->value;
    }
    return list;
}

void source::accept(std::span<const broker::start_at> partitions) {
    if (!offered_) return;
    const slots all = std::move(*offered_);
    offered_.reset();
    for (const broker::start_at& start : partitions)
        if (held* known = find(start.id)) known->start = start.at;
    for (const slot one : all) {
        open_queue(*find(one));
        committer_.own(find(one)->where);
    }
    assign(all);
}

void source::open_queue(held& partition) {
    partition.queue.reset(rd_kafka_queue_get_partition(client_->get(), partition.where.topic.c_str(),
                                                       partition.where.partition.value));
    if (!partition.queue) {
        report(RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, {},
               {.topic = partition.where.topic.str(), .partition = partition.where.partition.value});
        return;
    }
    rd_kafka_queue_forward(partition.queue.get(),
                           nullptr); // before rd_kafka_assign(): else records come with the events
    bridge_.attach(partition.queue.get());
    partition.more = refill(client_->get(), partition.where);
}

/// Frees what was fetched and not taken: it would else stay in memory until the partition comes back.
void source::close_queue(held& partition) {
    if (!partition.queue) return;
    event_bridge::detach(partition.queue.get());
    std::array<rd_kafka_message_t*, 256> rest{};
    for (;;) {
        const auto count = rd_kafka_consume_batch_queue(partition.queue.get(), 0, rest.data(), rest.size());
        for (std::size_t i = 0; std::cmp_less(i, count); ++i)
            rd_kafka_message_destroy(rest[i]);
        if (count <= 0) break;
    }
    partition.queue.reset();
}

void source::assign(const slots& which) {
    const partitions_handle list = list_of(which);
    if (!cooperative_) {
        if (const auto native = rd_kafka_assign(client_->get(), list.get()))
            report(native, {}, {.operation = "assign"});
        return;
    }
    if (const error_handle why{rd_kafka_incremental_assign(client_->get(), list.get())})
        report(rd_kafka_error_code(why.get()), rd_kafka_error_string(why.get()), {.operation = "assign"});
}

void source::unassign(const slots& which) {
    if (!cooperative_) {
        if (const auto native = rd_kafka_assign(client_->get(), nullptr))
            report(native, {}, {.operation = "unassign"});
        return;
    }
    const partitions_handle list = list_of(which);
    if (const error_handle why{rd_kafka_incremental_unassign(client_->get(), list.get())})
        report(rd_kafka_error_code(why.get()), rd_kafka_error_string(why.get()), {.operation = "unassign"});
}

void source::release() {
    if (!revoked_) return;
    const slots all = std::move(*revoked_);
    revoked_.reset();
    if (!left_) unassign(all);
    for (const slot one : all) {
        close_queue(*find(one));
        committer_.disown(find(one)->where);
        partitions_[index_of(one)].reset();
    }
    if (closing_) bridge_.wake();
}

record_batch source::take(slot from, std::size_t most) {
    held* partition = find(from);
    if (!partition || !partition->queue || most == 0) return {};
    if (taken_.size() < most) taken_.resize(most);
    for (;;) {
        const auto count = rd_kafka_consume_batch_queue(partition->queue.get(), 0, taken_.data(), most);
        if (count <= 0) return {};
        const std::size_t good = set_errors_aside(static_cast<std::size_t>(count));
        if (good == 0) continue;
        const auto messages = std::span(taken_).first(good);
        record_batch batch = message_batch::make(client_, batches_, messages);
        partition->more.after(client_->get(), partition->queue.get(), messages);
        return batch;
    }
}

std::size_t source::set_errors_aside(std::size_t count) {
    std::size_t good = 0;
    for (rd_kafka_message_t* message : std::span(taken_).first(count)) {
        if (!message->err) {
            taken_[good++] = message;
            continue;
        }
        if (message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
            report(message->err, rd_kafka_message_errstr(message),
                   {.operation = "fetch",
                    .topic = message->rkt ? rd_kafka_topic_name(message->rkt) : "",
                    .partition = message->partition,
                    .offset = is_broken(message->err) ? std::optional(message->offset) : std::nullopt});
        rd_kafka_message_destroy(message);
    }
    return good;
}

void source::report(rd_kafka_resp_err_t native, std::string_view text, error_details details) {
    waiting_.push_back(broker::source_error{make_error(native, text, std::move(details))});
    bridge_.wake();
}

broker::partition_progress source::progress(slot of) const {
    const held* partition = find(of);
    if (!partition || !partition->queue) return {};
    broker::partition_progress known{.position = partition->start, .end = {}};
    if (!rd_kafka_position(client_->get(), partition->self.get()) && partition->self->elems[0].offset >= 0)
        known.position = offset(partition->self->elems[0].offset);
    std::int64_t low = -1;
    std::int64_t high = -1;
    if (!rd_kafka_get_watermark_offsets(client_->get(), partition->where.topic.c_str(),
                                        partition->where.partition.value, &low, &high) &&
        high >= 0)
        known.end = offset(high);
    return known;
}

void source::close() {
    if (std::exchange(closing_, true)) return;
    if (offered_) { // nothing was read of it; librdkafka waits for an answer
        const slots all = std::move(*offered_);
        offered_.reset();
        for (const slot one : all)
            partitions_[index_of(one)].reset();
        assign({});
    }
    const error_handle why(rd_kafka_consumer_close_queue(client_->get(), leaving_queue_.get()));
    if (why) left_ = true; // after a fatal error there is no group to leave
    bridge_.wake();
}

} // namespace corvid::kafka
