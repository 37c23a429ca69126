// SPDX-License-Identifier: Apache-2.0
#include <bench/inbox/feed.hpp>

#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace corvid::bench {

namespace {

[[noreturn]] void stop_on(const char* why) {
    std::fprintf(stderr, "bench: %s\n", why);
    std::exit(2);
}

event event_of(const rd_kafka_message_t& from) {
    rd_kafka_headers_t* headers = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    if (rd_kafka_message_headers(&from, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(headers, "idempotency_key", &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR)
        stop_on("an event without an id");
    event one{.id = {static_cast<const char*>(value), size}, .number = 0};
    const std::string_view text(static_cast<const char*>(from.payload), from.len);
    const char* const digits = text.data() + text.find(':') + 1;
    std::from_chars(digits, text.data() + text.size(), one.number);
    return one;
}

} // namespace

feed::feed(const inbox_options& chosen) {
    rd_kafka_conf_t* const conf = rd_kafka_conf_new();
    std::array<char, 512> why{};
    for (const auto& [name, value] :
         std::initializer_list<std::pair<const char*, std::string>>{{"bootstrap.servers", chosen.bootstrap},
                                                                    {"group.id", chosen.group},
                                                                    {"auto.offset.reset", "earliest"},
                                                                    {"enable.auto.commit", "false"},
                                                                    {"enable.auto.offset.store", "true"}})
        if (rd_kafka_conf_set(conf, name, value.c_str(), why.data(), why.size()) != RD_KAFKA_CONF_OK)
            stop_on(why.data());
    client_.reset(rd_kafka_new(RD_KAFKA_CONSUMER, conf, why.data(), why.size()));
    if (!client_) stop_on(why.data());
    rd_kafka_poll_set_consumer(client_.get());
    queue_.reset(rd_kafka_queue_get_consumer(client_.get()));
    rd_kafka_topic_partition_list_t* const topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, chosen.topic.c_str(), RD_KAFKA_PARTITION_UA);
    rd_kafka_subscribe(client_.get(), topics);
    rd_kafka_topic_partition_list_destroy(topics);
}

void feed::take(std::size_t most, std::vector<event>& into) {
    std::vector<rd_kafka_message_t*> messages(most);
    const auto count = rd_kafka_consume_batch_queue(queue_.get(), 1'000, messages.data(), most);
    for (std::size_t i = 0; i < static_cast<std::size_t>(std::max<ssize_t>(count, 0)); ++i) {
        if (!messages[i]->err) into.push_back(event_of(*messages[i]));
        rd_kafka_message_destroy(messages[i]);
    }
}

void feed::close() {
    rd_kafka_commit(client_.get(), nullptr, 0);
    queue_.reset();
    rd_kafka_consumer_close(client_.get());
    client_.reset();
}

} // namespace corvid::bench
