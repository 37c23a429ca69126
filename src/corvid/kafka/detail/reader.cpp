// SPDX-License-Identifier: Apache-2.0
#include <corvid/kafka/detail/reader.hpp>

#include <corvid/kafka/detail/error_map.hpp>

#include <algorithm>
#include <span>
#include <utility>

namespace corvid::kafka {

reader::reader(client_handle client, topic_partition where, scheduler& loop,
               broker::source_listener& listener)
    : client_(std::move(client)),
      where_(std::move(where)),
      listener_(listener),
      events_(rd_kafka_queue_get_consumer(client_->get())),
      queue_(rd_kafka_queue_get_partition(client_->get(), where_.topic.c_str(), where_.partition.value)),
      more_(client_->get(), where_),
      bridge_(loop, [](void* self) noexcept { static_cast<reader*>(self)->listener_.ready(); }, this) {
    if (queue_) {
        rd_kafka_queue_forward(queue_.get(), nullptr); // before the assignment: else records are events
        bridge_.attach(queue_.get());
    }
    bridge_.attach(events_.get());
    const partitions_handle list(rd_kafka_topic_partition_list_new(1));
    rd_kafka_topic_partition_list_add(list.get(), where_.topic.c_str(), where_.partition.value)->offset =
        RD_KAFKA_OFFSET_BEGINNING;
    if (const rd_kafka_resp_err_t native = rd_kafka_assign(client_->get(), list.get()))
        troubles_.push_back(make_error(native, {}, {.operation = "read", .topic = where_.topic.str()}));
    bridge_.wake();
}

reader::~reader() {
    event_bridge::detach(events_.get());
    if (queue_) event_bridge::detach(queue_.get());
    rd_kafka_assign(client_->get(), nullptr);
}

record_batch reader::take(std::size_t most) {
    take_events();
    if (!queue_ || most == 0) return {};
    if (taken_.size() < most) taken_.resize(most);
    for (;;) {
        const auto count = rd_kafka_consume_batch_queue(queue_.get(), 0, taken_.data(), most);
        if (count <= 0) return {};
        std::size_t good = 0;
        for (rd_kafka_message_t* message : std::span(taken_).first(static_cast<std::size_t>(count))) {
            if (!message->err) {
                taken_[good++] = message;
                continue;
            }
            note(*message);
            rd_kafka_message_destroy(message);
        }
        if (good == 0) continue;
        const auto messages = std::span(taken_).first(good);
        record_batch batch = message_batch::make(client_, batches_, messages);
        more_.after(client_->get(), queue_.get(), messages);
        return batch;
    }
}

// librdkafka puts the end behind the records before it, and finds it from what a fetch answered.
void reader::note(const rd_kafka_message_t& failed) {
    if (failed.err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        at_end_ = true;
        return;
    }
    troubles_.push_back(
        make_error(failed.err, rd_kafka_message_errstr(&failed),
                   {.operation = "read", .topic = where_.topic.str(), .partition = where_.partition.value}));
}

void reader::take_events() {
    while (const event_handle event{rd_kafka_queue_poll(events_.get(), 0)})
        if (rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_ERROR)
            troubles_.push_back(client_error(client_->get(), rd_kafka_event_error(event.get()),
                                             rd_kafka_event_error_string(event.get()),
                                             {.topic = where_.topic.str()}));
}

std::optional<error> reader::take_trouble() {
    take_events();
    if (troubles_.empty()) return std::nullopt;
    error first = std::move(troubles_.front());
    troubles_.pop_front();
    return first;
}

} // namespace corvid::kafka
