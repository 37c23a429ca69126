// SPDX-License-Identifier: Apache-2.0
#include <corvid/kafka/detail/admin.hpp>

#include <corvid/kafka/detail/error_map.hpp>

#include <algorithm>
#include <array>
#include <span>

namespace corvid::kafka {
namespace {

using std::chrono::milliseconds;

int whole(milliseconds timeout) {
    return static_cast<int>(std::clamp<std::int64_t>(timeout.count(), 1, 3'600'000));
}

error_details subject_of(std::string operation, const topic_name& name) {
    return {.operation = std::move(operation), .topic = name.str()};
}

admin_options_handle options_for(rd_kafka_t* client, rd_kafka_admin_op_t operation, milliseconds timeout) {
    admin_options_handle options(rd_kafka_AdminOptions_new(client, operation));
    rd_kafka_AdminOptions_set_request_timeout(options.get(), whole(timeout), nullptr, 0);
    rd_kafka_AdminOptions_set_operation_timeout(options.get(), whole(timeout), nullptr, 0);
    return options;
}

/// The answer for the one topic that was asked about.
result<void> verdict_on(std::span<const rd_kafka_topic_result_t*> topics, error_details subject) {
    for (const rd_kafka_topic_result_t* one : topics)
        if (const rd_kafka_resp_err_t native = rd_kafka_topic_result_error(one)) {
            const char* text = rd_kafka_topic_result_error_string(one);
            return fail(make_error(native, text ? text : "", std::move(subject)));
        }
    return {};
}

/// A partition that was just made, or whose broker went away, has no leader yet.
bool leader_moves(rd_kafka_resp_err_t native) noexcept {
    return native == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
           native == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
           native == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
}

/// Waits without a clock: nothing ever comes to that queue.
class pause {
public:
    static constexpr milliseconds length{25};
    explicit pause(rd_kafka_t* client) : silent_(rd_kafka_queue_new(client)) {}
    void operator()() const { (void)event_handle(rd_kafka_queue_poll(silent_.get(), whole(length))); }

private:
    queue_handle silent_;
};

broker::topic_info info_of(const rd_kafka_metadata_topic& topic) {
    return {.name = topic_name(topic.topic),
            .partitions = topic.partition_cnt,
            .replication = topic.partition_cnt > 0 ? topic.partitions[0].replica_cnt : 0};
}

result<new_topic_handle> describe(const broker::topic_spec& spec) {
    std::array<char, 256> why{};
    new_topic_handle made(
        rd_kafka_NewTopic_new(spec.name.c_str(), spec.partitions, spec.replication, why.data(), why.size()));
    if (!made)
        return fail(errc::broker_refused,
                    {.message = why.data(), .operation = "create topic", .topic = spec.name.str()});
    for (const auto& [name, value] : spec.config)
        rd_kafka_NewTopic_set_config(made.get(), name.c_str(), value.c_str());
    return made;
}

} // namespace

admin::admin(client_handle client) : client_(std::move(client)) {}

result<event_handle> admin::wait_for(rd_kafka_queue_t* queue, milliseconds timeout,
                                     const error_details& subject) {
    // The request has this very timeout: its own answer tells more than silence does.
    constexpr int margin_ms = 1'000;
    event_handle event(rd_kafka_queue_poll(queue, whole(timeout) + margin_ms));
    if (!event) return fail(make_error(RD_KAFKA_RESP_ERR__TIMED_OUT, {}, subject));
    if (const rd_kafka_resp_err_t native = rd_kafka_event_error(event.get()))
        return fail(make_error(native, rd_kafka_event_error_string(event.get()), subject));
    return event;
}

result<void> admin::create_topic(const broker::topic_spec& spec, milliseconds timeout) {
    const auto made = describe(spec);
    if (!made) return fail(made.error());
    error_details subject = subject_of("create topic", spec.name);
    const queue_handle queue(rd_kafka_queue_new(client_->get()));
    rd_kafka_NewTopic_t* one = made->get();
    const auto options = options_for(client_->get(), RD_KAFKA_ADMIN_OP_CREATETOPICS, timeout);
    rd_kafka_CreateTopics(client_->get(), &one, 1, options.get(), queue.get());
    const auto event = wait_for(queue.get(), timeout, subject);
    if (!event) return fail(event.error());
    std::size_t count = 0;
    const auto* all = rd_kafka_event_CreateTopics_result(event->get());
    const rd_kafka_topic_result_t** topics = rd_kafka_CreateTopics_result_topics(all, &count);
    const auto verdict = verdict_on({topics, count}, std::move(subject));
    if (verdict) await_topic(spec.name, timeout);
    return verdict;
}

/// The controller answers before the brokers know; whoever asks next would be told that there is no such
/// topic.
void admin::await_topic(const topic_name& name, milliseconds patience) {
    const pause wait(client_->get());
    for (; patience > milliseconds(0); patience -= pause::length) {
        const auto known = describe_topic(name, patience);
        if (known && known->partitions > 0 && known->replication > 0) return;
        wait();
    }
}

result<void> admin::delete_topic(const topic_name& name, milliseconds timeout) {
    error_details subject = subject_of("delete topic", name);
    const queue_handle queue(rd_kafka_queue_new(client_->get()));
    const delete_topic_handle doomed(rd_kafka_DeleteTopic_new(name.c_str()));
    rd_kafka_DeleteTopic_t* one = doomed.get();
    const auto options = options_for(client_->get(), RD_KAFKA_ADMIN_OP_DELETETOPICS, timeout);
    rd_kafka_DeleteTopics(client_->get(), &one, 1, options.get(), queue.get());
    const auto event = wait_for(queue.get(), timeout, subject);
    if (!event) return fail(event.error());
    std::size_t count = 0;
    const auto* all = rd_kafka_event_DeleteTopics_result(event->get());
    const rd_kafka_topic_result_t** topics = rd_kafka_DeleteTopics_result_topics(all, &count);
    return verdict_on({topics, count}, std::move(subject));
}

result<metadata_handle> admin::ask(rd_kafka_topic_t* topic, milliseconds timeout) {
    const rd_kafka_metadata_t* data = nullptr;
    if (const auto native = rd_kafka_metadata(client_->get(), topic ? 0 : 1, topic, &data, whole(timeout)))
        return fail(make_error(native, {},
                               {.operation = topic ? "describe topic" : "list topics",
                                .topic = topic ? rd_kafka_topic_name(topic) : ""}));
    return metadata_handle(data);
}

result<broker::topic_info> admin::describe_topic(const topic_name& name, milliseconds timeout) {
    const topic_handle topic(rd_kafka_topic_new(client_->get(), name.c_str(), nullptr));
    if (!topic) return fail(make_error(rd_kafka_last_error(), {}, subject_of("describe topic", name)));
    const auto data = ask(topic.get(), timeout);
    if (!data) return fail(data.error());
    for (const auto& one : std::span((*data)->topics, static_cast<std::size_t>((*data)->topic_cnt))) {
        if (name.str() != one.topic) continue;
        if (one.err) return fail(make_error(one.err, {}, subject_of("describe topic", name)));
        return info_of(one);
    }
    return fail(make_error(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, {}, subject_of("describe topic", name)));
}

result<std::vector<broker::topic_info>> admin::list_topics(milliseconds timeout) {
    const auto data = ask(nullptr, timeout);
    if (!data) return fail(data.error());
    std::vector<broker::topic_info> all;
    for (const auto& one : std::span((*data)->topics, static_cast<std::size_t>((*data)->topic_cnt)))
        if (!one.err) all.push_back(info_of(one));
    return all;
}

result<broker::log_range> admin::range_of(const topic_partition& where, milliseconds timeout) {
    const auto known = describe_topic(where.topic, timeout);
    if (!known) return fail(known.error());
    error_details subject = subject_of("range of partition", where.topic);
    subject.partition = where.partition.value;
    if (where.partition.value < 0 || where.partition.value >= known->partitions)
        return fail(make_error(RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, {}, std::move(subject)));
    std::int64_t low = 0;
    std::int64_t high = 0;
    const pause wait(client_->get());
    for (milliseconds left = timeout;; left -= pause::length) {
        const auto native = rd_kafka_query_watermark_offsets(client_->get(), where.topic.c_str(),
                                                             where.partition.value, &low, &high, whole(left));
        if (!native) return broker::log_range{.begin = offset(low), .end = offset(high)};
        if (!leader_moves(native) || left <= pause::length)
            return fail(make_error(native, {}, std::move(subject)));
        wait();
    }
}

} // namespace corvid::kafka
