// SPDX-License-Identifier: Apache-2.0
//
// Fills a topic for the inbox bench: `inbox_fill --bootstrap H:P --topic T --messages N`.
#include <bench/inbox/arms.hpp>
#include <librdkafka/rdkafka.h>

#include <array>
#include <cstdio>
#include <string>

namespace corvid::bench {
namespace {

int fill(const inbox_options& chosen) {
    rd_kafka_conf_t* const conf = rd_kafka_conf_new();
    std::array<char, 512> why{};
    rd_kafka_conf_set(conf, "bootstrap.servers", chosen.bootstrap.c_str(), why.data(), why.size());
    rd_kafka_conf_set(conf, "enable.idempotence", "true", why.data(), why.size());
    rd_kafka_conf_set(conf, "linger.ms", "20", why.data(), why.size());
    rd_kafka_t* const producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why.data(), why.size());
    if (!producer) return std::fprintf(stderr, "bench: %s\n", why.data()), 2;
    for (std::uint64_t i = 0; i < chosen.messages; ++i) {
        const std::uint64_t number = number_of(i);
        const std::string id = id_of(number), key = "account-" + std::to_string(number % 1'000),
                          value = "{\"number\":" + std::to_string(number) + ",\"cents\":100}";
        while (rd_kafka_producev(
                   producer, RD_KAFKA_V_TOPIC(chosen.topic.c_str()), RD_KAFKA_V_KEY(key.data(), key.size()),
                   RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()),
                   RD_KAFKA_V_HEADER("idempotency_key", id.data(), static_cast<ssize_t>(id.size())),
                   RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
            rd_kafka_poll(producer, 10);
        if (i % 1'000 == 0) rd_kafka_poll(producer, 0);
    }
    const auto flushed = rd_kafka_flush(producer, 60'000);
    rd_kafka_destroy(producer);
    return flushed == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : 1;
}

} // namespace
} // namespace corvid::bench

int main(int argc, char** argv) { return corvid::bench::fill(corvid::bench::parse(argc, argv)); }
