// SPDX-License-Identifier: Apache-2.0
#include <corvid/kafka/detail/delivery_reports.hpp>

#include <corvid/kafka/detail/error_map.hpp>
#include <corvid/kafka/detail/message.hpp>
#include <corvid/kafka/detail/opaque.hpp>

#include <array>
#include <span>
#include <string_view>

namespace corvid::kafka {
namespace {

broker::sink_topic& topic_of(const rd_kafka_message_t& message) noexcept {
    return *static_cast<broker::sink_topic*>(rd_kafka_topic_opaque(message.rkt));
}

/// librdkafka takes a batch for acknowledged as soon as a later one of its partition is. A broker that has
/// refused it, not being the leader yet, and knows nothing of this producer takes the later one all the same:
/// then it is in no log. Such a record has no offset; where no acknowledgements are asked for no status says
/// persisted.
broker::persistence persistence_in(const rd_kafka_message_t& message) noexcept {
    if (!message.err && message.offset != RD_KAFKA_OFFSET_INVALID) return broker::persistence::yes;
    const rd_kafka_msg_status_t status = rd_kafka_message_status(&message);
    if (message.err) return persistence_of(status);
    return status == RD_KAFKA_MSG_STATUS_PERSISTED ? broker::persistence::possibly : broker::persistence::yes;
}

/// A client that has lost track of its numbers itself says _INCONSISTENT.
bool is_about_sequence(rd_kafka_resp_err_t fatal) noexcept {
    return fatal == RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER ||
           fatal == RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID || fatal == RD_KAFKA_RESP_ERR__INCONSISTENT;
}

/// With thousands in flight nodes have left the cache: fetched one by one they cost more than all else here.
void prefetch_node(void* opaque) noexcept {
    constexpr std::size_t cache_line = 64;
    const auto* node = reinterpret_cast<const char*>(node_in(opaque));
    if (!node) return;
    __builtin_prefetch(node, 1);
    __builtin_prefetch(node + cache_line, 1);
}

} // namespace

void delivery_reports::tally::add(const rd_kafka_message_t& message) noexcept {
    const broker::persistence persisted = persistence_in(message);
    if (!message.err && persisted == broker::persistence::yes)
        ++acknowledged;
    else if (persisted == broker::persistence::possibly)
        ++possibly_persisted;
    else
        ++failed;
}

void delivery_reports::tally::write_to(broker::sink_topic::ends& ends) const noexcept {
    const auto add_to = [](std::atomic<std::uint64_t>& sum, std::uint64_t part) {
        if (part > 0) sum.fetch_add(part, std::memory_order_relaxed);
    };
    add_to(ends.acknowledged, acknowledged);
    add_to(ends.failed, failed);
    add_to(ends.possibly_persisted, possibly_persisted);
}

delivery_reports::delivery_reports(client_handle client, scheduler& delivery, broker::sink_listener& listener)
    : client_(std::move(client)),
      listener_(listener),
      queue_(rd_kafka_queue_get_main(client_->get())),
      bridge_(delivery, [](void* self) noexcept { static_cast<delivery_reports*>(self)->serve(); }, this) {
    bridge_.attach(queue_.get());
    bridge_.wake();
}

delivery_reports::~delivery_reports() { event_bridge::detach(queue_.get()); }

void delivery_reports::serve() noexcept {
    constexpr int events_a_turn = 64; // then whatever else the loop has to do
    for (int i = 0; i < events_a_turn; ++i) {
        const event_handle event(rd_kafka_queue_poll(queue_.get(), 0));
        if (!event) return;
        dispatch(event.get());
    }
    bridge_.wake();
}

void delivery_reports::dispatch(rd_kafka_event_t* event) {
    switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_DR:
        deliver(event);
        break;
    case RD_KAFKA_EVENT_ERROR:
        report_error(event);
        break;
    case RD_KAFKA_EVENT_LOG:
        report_log(event);
        break;
    default:
        break;
    }
}

// The news of it may come behind the first reports that it is the cause of.
void delivery_reports::tell_if_broken(const rd_kafka_message_t& message) {
    if (!message.err || broke_of_) return;
    if (rd_kafka_fatal_error(client_->get(), nullptr, 0) != RD_KAFKA_RESP_ERR_NO_ERROR)
        break_down(fatal_error(client_->get()));
}

void delivery_reports::break_down(const error& why) {
    if (broke_of_) return;
    broke_of_ = rd_kafka_fatal_error(client_->get(), nullptr, 0);
    listener_.broken(why);
}

// What is in no log for certain, where a new client, which has numbers of its own, is the cure.
bool delivery_reports::pass_on(const rd_kafka_message_t& message) {
    if (!broke_of_ || !is_about_sequence(*broke_of_)) return false;
    const bool is_of_the_end = message.err == *broke_of_ || message.err == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
                               message.err == RD_KAFKA_RESP_ERR__FATAL;
    if (!is_of_the_end || persistence_in(message) != broker::persistence::no) return false;
    headers_.clear();
    read_headers_of(message, headers_);
    void* const word = message._private;
    broker::send_node* const node = node_in(word);
    return listener_.passed_on(
        {.topic = &topic_of(message),
         .key = bytes_of(message.key, message.key_len),
         .value = bytes_of(message.payload, message.len),
         .headers = headers_,
         .timestamp = timestamp_of(message),
         .choice = message.partition < 0 ? choice_in(word)
                                         : broker::partition_choice::exactly(partition_id(message.partition)),
         .node = node,
         .generation = !node && generation_in(word),
         .is_transfer = true}); // as large as it is, it was taken before
}

void delivery_reports::deliver(rd_kafka_event_t* event) {
    std::array<const rd_kafka_message_t*, 64> some{};
    broker::delivery_batch batch;
    told last;
    tally sums;
    broker::sink_topic* topic = nullptr;
    const rd_kafka_message_t* first = nullptr;
    while (const std::size_t count = rd_kafka_event_message_array(event, some.data(), some.size())) {
        const auto messages = std::span(some).first(count);
        for (const rd_kafka_message_t* message : messages)
            prefetch_node(message->_private);
        if (!topic) topic = &topic_of(*messages.front());
        if (!first && !messages.front()->err) first = messages.front();
        for (const rd_kafka_message_t* message : messages) {
            tell_if_broken(*message);
            if (pass_on(*message)) continue;
            sums.add(*message);
            account_for(*message, batch, last);
        }
    }
    if (!topic) return;
    sums.write_to(topic->ended);
    if (first)
        listener_.answered(*topic, std::chrono::microseconds(rd_kafka_message_latency(first)),
                           sums.acknowledged);
    listener_.delivered(std::move(batch));
}

void delivery_reports::account_for(const rd_kafka_message_t& message, broker::delivery_batch& batch,
                                   told& last) {
    const std::size_t bytes = message.len + message.key_len;
    if (broker::send_node* node = node_in(message._private)) {
        add_node(*node, message, last);
        batch.nodes.push(*node);
        ++batch.node_records;
        batch.node_bytes += bytes;
        return;
    }
    if (message.err || persistence_in(message) != broker::persistence::yes) fail_post(message, last);
    const std::size_t generation = generation_in(message._private) ? 1 : 0;
    ++batch.posted_records[generation];
    batch.posted_bytes[generation] += bytes;
}

void delivery_reports::add_node(broker::send_node& node, const rd_kafka_message_t& message, told& last) {
    node.partition = partition_id(message.partition);
    node.persisted = persistence_in(message);
    if (!message.err && node.persisted == broker::persistence::yes) {
        node.at = offset(message.offset >= 0 ? message.offset : -1);
        node.timestamp = timestamp_of(message);
        return;
    }
    node.failure = explain(message, node.persisted, last);
}

void delivery_reports::fail_post(const rd_kafka_message_t& message, told& last) {
    const broker::persistence persisted = persistence_in(message);
    headers_.clear();
    read_headers_of(message, headers_);
    listener_.post_failed({.topic = topic_of(message).name(),
                           .partition = partition_id(message.partition),
                           .key = bytes_of(message.key, message.key_len),
                           .value = bytes_of(message.payload, message.len),
                           .headers = headers_,
                           .persisted = persisted,
                           .why = explain(message, persisted, last),
                           .generation = generation_in(message._private)});
}

const error& delivery_reports::explain(const rd_kafka_message_t& message, broker::persistence persisted,
                                       told& last) {
    if (!last.why || last.native != message.err || last.persisted != persisted || last.topic != message.rkt ||
        last.partition != message.partition) {
        error_details details{.topic = rd_kafka_topic_name(message.rkt)};
        if (message.partition >= 0) details.partition = message.partition;
        last = {message.err, persisted, message.rkt, message.partition,
                delivery_error(message.err, persisted, std::move(details))};
    }
    return *last.why;
}

void delivery_reports::report_error(rd_kafka_event_t* event) {
    const rd_kafka_resp_err_t native = rd_kafka_event_error(event);
    const char* text = rd_kafka_event_error_string(event);
    if (native == RD_KAFKA_RESP_ERR__FATAL || rd_kafka_event_error_is_fatal(event))
        break_down(fatal_error(client_->get(), text));
    else
        listener_.warned(client_error(client_->get(), native, text));
}

void delivery_reports::report_log(rd_kafka_event_t* event) {
    const char* facility = nullptr;
    const char* text = nullptr;
    int level = 0;
    if (rd_kafka_event_log(event, &facility, &text, &level) != 0 || !worth_telling(facility)) return;
    listener_.warned(log_line(facility, text));
}

} // namespace corvid::kafka
