// SPDX-License-Identifier: Apache-2.0
// Fills a topic of the key-order bench: `keyorder_fill --bootstrap H:P --topic T --messages N --keys K
// --spread S`.
#include <bench/keyorder/plan.hpp>
#include <bench/peers/handles.hpp>

#include <cstdlib>

namespace corvid::bench {
namespace {

client make_client(const options& chosen) {
    configuration conf{{"bootstrap.servers", chosen.bootstrap.c_str()},
                       {"enable.idempotence", "true"},
                       {"linger.ms", "5"},
                       {"batch.size", "1000000"},
                       {"queue.buffering.max.messages", "200000"},
                       {"partitioner", "murmur2_random"},
                       {"socket.nagle.disable", "true"}};
    return conf.make(RD_KAFKA_PRODUCER);
}

void send(rd_kafka_t* producer, rd_kafka_topic_t* topic, const std::string& key, const std::string& value) {
    while (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY,
                            const_cast<char*>(value.data()), value.size(), key.data(), key.size(),
                            nullptr) != 0) {
        if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            die("produce", rd_kafka_err2str(rd_kafka_last_error()));
        rd_kafka_poll(producer, 10);
    }
}

int fill(const options& chosen) {
    const client producer = make_client(chosen);
    const topic_handle topic(rd_kafka_topic_new(producer.get(), chosen.topic.c_str(), nullptr));
    const std::vector<std::string> names = make_keys(chosen.keys);
    std::vector<std::uint32_t> sequences(chosen.keys);
    value_text value(chosen.size);
    for (const std::uint32_t key : plan_keys(chosen))
        send(producer.get(), topic.get(), names[key], value.of({key, sequences[key]++}));
    if (rd_kafka_flush(producer.get(), 60'000)) die(chosen.topic.c_str(), "not all was acknowledged in 60 s");
    return 0;
}

} // namespace
} // namespace corvid::bench

int main(int argc, char** argv) { return corvid::bench::fill(corvid::bench::parse_options(argc, argv)); }
