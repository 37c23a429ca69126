// SPDX-License-Identifier: Apache-2.0
//
// A real Kafka cluster, at the address in CORVID_TEST_KAFKA (`scripts/kafka start` prints one).
#include "../kafka/real_kafka.hpp"
#include "broker_under_test.hpp"
#include <corvid/kafka/cluster.hpp>
#include <corvid/service/threaded_scheduler.hpp>

#include <librdkafka/rdkafka.h>

#include <array>
#include <cstdlib>
#include <stdexcept>

namespace corvid::conformance {

namespace {

void must(bool held, const char* what) {
    if (!held) throw std::runtime_error(std::string("leave_gap: ") + what);
}

void must(rd_kafka_error_t* why) {
    if (!why) return;
    const std::string text = rd_kafka_error_string(why);
    rd_kafka_error_destroy(why);
    throw std::runtime_error("leave_gap: " + text);
}

/// librdkafka by hand: an aborted transaction of one record leaves out the record's offset and the marker's.
class transactional {
public:
    explicit transactional(const std::string& bootstrap) {
        rd_kafka_conf_t* conf = rd_kafka_conf_new();
        std::array<char, 256> why{};
        const auto set = [&](const char* name, const char* value) {
            must(!rd_kafka_conf_set(conf, name, value, why.data(), why.size()), why.data());
        };
        set("bootstrap.servers", bootstrap.substr(bootstrap.starts_with("kafka://") ? 8 : 0).c_str());
        set("transactional.id", "corvid-conformance-gap");
        native_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why.data(), why.size());
        must(native_, why.data());
    }
    ~transactional() { rd_kafka_destroy(native_); }
    transactional(const transactional&) = delete;
    transactional& operator=(const transactional&) = delete;

    void abort_one(const topic_partition& where) {
        constexpr int patience_ms = 30'000;
        must(rd_kafka_init_transactions(native_, patience_ms));
        must(rd_kafka_begin_transaction(native_));
        rd_kafka_topic_t* topic = rd_kafka_topic_new(native_, where.topic.c_str(), nullptr);
        must(topic, "topic");
        const int refused =
            rd_kafka_produce(topic, where.partition.value, 0, nullptr, 0, nullptr, 0, nullptr);
        rd_kafka_topic_destroy(topic);
        must(refused == 0, "produce");
        must(!rd_kafka_flush(native_, patience_ms), "flush");
        must(rd_kafka_abort_transaction(native_, patience_ms));
    }

private:
    rd_kafka_t* native_ = nullptr;
};

class real final : public broker_under_test {
public:
    scheduler& root() override { return root_; }
    broker::cluster& cluster() override { return cluster_; }
    void leave_gap(const topic_partition& where) override { transactional(real_kafka()).abort_one(where); }

private:
    threaded_scheduler root_;
    kafka::cluster cluster_{{.bootstrap = real_kafka()}};
};

const registration kafka_broker{{.name = "kafka", .open = [] { return std::make_unique<real>(); }}};

} // namespace

} // namespace corvid::conformance
