// SPDX-License-Identifier: Apache-2.0
// What the driver asks of the broker, so that it needs no Kafka client of its own:
//   kafka_admin HOST:PORT create TOPIC PARTITIONS | delete TOPIC | end-offsets TOPIC | committed TOPIC GROUP
// The last two print the sum over the topic's partitions.
#include <bench/peers/handles.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace corvid::bench {
namespace {

constexpr int patience_ms = 30'000;

using new_topic = std::unique_ptr<rd_kafka_NewTopic_t, destroyer<rd_kafka_NewTopic_destroy>>;
using old_topic = std::unique_ptr<rd_kafka_DeleteTopic_t, destroyer<rd_kafka_DeleteTopic_destroy>>;

void check(const rd_kafka_topic_result_t** results, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
        if (rd_kafka_topic_result_error(results[i]))
            die(rd_kafka_topic_result_name(results[i]), rd_kafka_topic_result_error_string(results[i]));
}

event_handle wait_for(rd_kafka_queue_t* queue) {
    event_handle event(rd_kafka_queue_poll(queue, patience_ms));
    if (!event) die("admin request", "no answer within 30 s");
    if (rd_kafka_event_error(event.get())) die("admin request", rd_kafka_event_error_string(event.get()));
    return event;
}

void create(rd_kafka_t* admin, const char* topic, int partitions) {
    char why[256];
    const new_topic wanted(rd_kafka_NewTopic_new(topic, partitions, -1, why, sizeof why));
    if (!wanted) die(topic, why);
    const queue_handle queue(rd_kafka_queue_new(admin));
    rd_kafka_NewTopic_t* list[]{wanted.get()};
    rd_kafka_CreateTopics(admin, list, 1, nullptr, queue.get());
    const event_handle event = wait_for(queue.get());
    std::size_t count = 0;
    check(rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count),
          count);
}

void remove(rd_kafka_t* admin, const char* topic) {
    const old_topic unwanted(rd_kafka_DeleteTopic_new(topic));
    const queue_handle queue(rd_kafka_queue_new(admin));
    rd_kafka_DeleteTopic_t* list[]{unwanted.get()};
    rd_kafka_DeleteTopics(admin, list, 1, nullptr, queue.get());
    const event_handle event = wait_for(queue.get());
    std::size_t count = 0;
    check(rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event.get()), &count),
          count);
}

int partitions_of(rd_kafka_t* any, const char* name) {
    const topic_handle topic(rd_kafka_topic_new(any, name, nullptr));
    const rd_kafka_metadata_t* metadata = nullptr;
    if (const auto error = rd_kafka_metadata(any, 0, topic.get(), &metadata, patience_ms))
        die(name, rd_kafka_err2str(error));
    const int count = metadata->topic_cnt == 1 ? metadata->topics[0].partition_cnt : 0;
    rd_kafka_metadata_destroy(metadata);
    if (count == 0) die(name, "no such topic");
    return count;
}

std::int64_t end_offsets(rd_kafka_t* any, const char* topic) {
    std::int64_t sum = 0;
    for (int partition = 0, count = partitions_of(any, topic); partition < count; ++partition) {
        std::int64_t low = 0;
        std::int64_t high = 0;
        if (const auto error =
                rd_kafka_query_watermark_offsets(any, topic, partition, &low, &high, patience_ms))
            die(topic, rd_kafka_err2str(error));
        sum += high;
    }
    return sum;
}

std::int64_t committed(rd_kafka_t* member, const char* topic) {
    const partition_list list(rd_kafka_topic_partition_list_new(1));
    for (int partition = 0, count = partitions_of(member, topic); partition < count; ++partition)
        rd_kafka_topic_partition_list_add(list.get(), topic, partition);
    if (const auto error = rd_kafka_committed(member, list.get(), patience_ms))
        die(topic, rd_kafka_err2str(error));
    std::int64_t sum = 0;
    for (int i = 0; i < list->cnt; ++i)
        if (list->elems[i].offset > 0) sum += list->elems[i].offset;
    return sum;
}

int run(int argc, char** argv) {
    if (argc < 4)
        die("usage", "kafka_admin HOST:PORT create|delete|end-offsets|committed TOPIC [PARTITIONS|GROUP]");
    const std::string_view verb = argv[2];
    const bool reads_group = verb == "committed" && argc == 5;
    configuration conf{{"bootstrap.servers", argv[1]}};
    if (reads_group) conf.set("group.id", argv[4]);
    const client any = conf.make(reads_group ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER);
    if (verb == "create" && argc == 5)
        create(any.get(), argv[3], std::atoi(argv[4]));
    else if (verb == "delete")
        remove(any.get(), argv[3]);
    else if (verb == "end-offsets")
        std::printf("%lld\n", static_cast<long long>(end_offsets(any.get(), argv[3])));
    else if (reads_group)
        std::printf("%lld\n", static_cast<long long>(committed(any.get(), argv[3])));
    else
        die(argv[2], "unknown, or an argument is missing");
    return 0;
}

} // namespace
} // namespace corvid::bench

int main(int argc, char** argv) { return corvid::bench::run(argc, argv); }
