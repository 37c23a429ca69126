// SPDX-License-Identifier: Apache-2.0
#include "witness.hpp"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <stdexcept>
#include <string_view>

namespace corvid::faults {
namespace {

constexpr int patience_ms = 10'000;

struct list_deleter {
    void operator()(rd_kafka_topic_partition_list_t* list) const noexcept {
        rd_kafka_topic_partition_list_destroy(list);
    }
};
using list_handle = std::unique_ptr<rd_kafka_topic_partition_list_t, list_deleter>;

struct message_deleter {
    void operator()(rd_kafka_message_t* message) const noexcept { rd_kafka_message_destroy(message); }
};
using message_handle = std::unique_ptr<rd_kafka_message_t, message_deleter>;

void check(rd_kafka_resp_err_t native, const char* what) {
    if (native)
        throw std::runtime_error(std::string("the witness cannot ") + what + ": " + rd_kafka_err2str(native));
}

rd_kafka_t* open(const std::string& bootstrap, const std::string& group) {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    std::array<char, 256> why{};
    for (const auto& [name, value] : {std::pair<const char*, std::string>{"bootstrap.servers", bootstrap},
                                      {"group.id", group},
                                      {"enable.auto.commit", "false"},
                                      {"auto.offset.reset", "earliest"},
                                      {"reconnect.backoff.max.ms", "500"},
                                      {"log_level", "0"}})
        if (rd_kafka_conf_set(conf, name, value.c_str(), why.data(), why.size()) != RD_KAFKA_CONF_OK)
            throw std::runtime_error(why.data());
    rd_kafka_t* client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why.data(), why.size());
    if (!client) throw std::runtime_error(why.data());
    rd_kafka_poll_set_consumer(client);
    return client;
}

std::map<std::string, std::string> headers_of(const rd_kafka_message_t& message) {
    std::map<std::string, std::string> all;
    rd_kafka_headers_t* list = nullptr;
    if (rd_kafka_message_headers(&message, &list)) return all;
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    for (std::size_t i = 0; !rd_kafka_header_get_all(list, i, &name, &value, &size); ++i)
        all[name] = std::string(static_cast<const char*>(value), size);
    return all;
}

stored stored_of(const rd_kafka_message_t& message) {
    return {.partition = message.partition,
            .offset = message.offset,
            .value = std::string(static_cast<const char*>(message.payload), message.len),
            .headers = headers_of(message)};
}

} // namespace

witness::witness(const std::string& bootstrap, std::string topic, std::int32_t partitions,
                 const std::string& group)
    : topic_(std::move(topic)), partitions_(partitions), client_(open(bootstrap, group)) {}

witness::~witness() {
    rd_kafka_consumer_close(client_);
    rd_kafka_destroy(client_);
}

std::optional<std::vector<committed>> witness::commits(std::chrono::milliseconds patience) const {
    const list_handle list(rd_kafka_topic_partition_list_new(partitions_));
    for (std::int32_t p = 0; p < partitions_; ++p)
        rd_kafka_topic_partition_list_add(list.get(), topic_.c_str(), p);
    if (rd_kafka_committed(client_, list.get(), static_cast<int>(patience.count()))) return std::nullopt;
    std::vector<committed> all;
    for (const auto& one : std::span(list->elems, static_cast<std::size_t>(list->cnt)))
        if (one.offset >= 0)
            all.push_back({one.partition,
                           one.offset,
                           {static_cast<const char*>(one.metadata), one.metadata ? one.metadata_size : 0}});
    return all;
}

// A client that neither produces nor consumes asks who was the leader for as long as its metadata is young.
void witness::learn_leaders(std::chrono::milliseconds patience) const {
    const rd_kafka_metadata_t* all = nullptr;
    if (!rd_kafka_metadata(client_, 1, nullptr, &all, static_cast<int>(patience.count())))
        rd_kafka_metadata_destroy(all);
}

std::optional<std::int64_t> witness::end(std::chrono::milliseconds patience) const {
    std::int64_t all = 0;
    for (std::int32_t p = 0; p < partitions_; ++p) {
        std::int64_t low = 0;
        std::int64_t high = 0;
        if (rd_kafka_query_watermark_offsets(client_, topic_.c_str(), p, &low, &high,
                                             static_cast<int>(patience.count()))) {
            learn_leaders(patience);
            return std::nullopt;
        }
        all += high;
    }
    return all;
}

std::vector<stored> witness::records(const std::string& topic) const {
    const list_handle list(rd_kafka_topic_partition_list_new(partitions_));
    std::int64_t left = 0;
    for (std::int32_t p = 0; p < partitions_; ++p) {
        std::int64_t low = 0;
        std::int64_t high = 0;
        check(rd_kafka_query_watermark_offsets(client_, topic.c_str(), p, &low, &high, patience_ms),
              "ask for the end");
        rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), p)->offset = low;
        left += high - low;
    }
    check(rd_kafka_assign(client_, list.get()), "read the topic");
    std::vector<stored> all;
    while (left > 0) {
        const message_handle message(rd_kafka_consumer_poll(client_, patience_ms));
        if (!message)
            throw std::runtime_error("the witness waits in vain for " + std::to_string(left) + " records");
        if (message->err == RD_KAFKA_RESP_ERR__TRANSPORT ||
            message->err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
            continue;
        check(message->err, "read the topic");
        all.push_back(stored_of(*message));
        --left;
    }
    check(rd_kafka_assign(client_, nullptr), "stop reading");
    return all;
}

int witness::leader_of(std::int32_t partition) const {
    rd_kafka_topic_t* topic = rd_kafka_topic_new(client_, topic_.c_str(), nullptr);
    const rd_kafka_metadata_t* answer = nullptr;
    int leader = 0;
    if (!rd_kafka_metadata(client_, 0, topic, &answer, patience_ms)) {
        for (int i = 0; answer->topic_cnt == 1 && i < answer->topics[0].partition_cnt; ++i)
            if (answer->topics[0].partitions[i].id == partition)
                leader = std::max(0, answer->topics[0].partitions[i].leader);
        rd_kafka_metadata_destroy(answer);
    }
    rd_kafka_topic_destroy(topic);
    return leader;
}

std::uint64_t stored::id() const {
    constexpr std::string_view name = "\"id\":";
    const std::size_t at = value.find(name);
    std::uint64_t number = 0;
    if (at == std::string::npos ||
        std::from_chars(value.data() + at + name.size(), value.data() + value.size(), number).ec !=
            std::errc())
        throw std::runtime_error("a record that no sender of this test wrote: " + value.substr(0, 200));
    return number;
}

} // namespace corvid::faults
