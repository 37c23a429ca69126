// SPDX-License-Identifier: Apache-2.0
//
// mock_cluster: librdkafka's own fake of a broker, in this process, whose connections a test can cut. It
// knows no transactions and no isolation; what needs those is tested on a real Kafka.
#pragma once

#include "../conformance/harness.hpp"
#include <corvid/kafka/cluster.hpp>
#include <corvid/service/threaded_scheduler.hpp>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <stdexcept>

namespace corvid::kafka {

/// A topic to be made there; each mock is a test's own.
inline const topic_name mock_topic{"mock.test"};

class mock_cluster final : public conformance::broker_under_test {
public:
    mock_cluster() = default;

    scheduler& root() override { return root_; }
    broker::cluster& cluster() override { return cluster_; }
    void leave_gap(const topic_partition&) override {
        throw std::logic_error("the mock has no transactions");
    }

    void create(const topic_name& topic, int partitions) {
        if (rd_kafka_mock_topic_create(mock_.get(), topic.c_str(), partitions, 1))
            throw std::runtime_error("the mock refuses the topic");
    }
    [[nodiscard]] std::string bootstrap() const { return rd_kafka_mock_cluster_bootstraps(mock_.get()); }
    /// Answers take so long.
    void delay(std::chrono::milliseconds by) {
        rd_kafka_mock_broker_set_rtt(mock_.get(), 1, static_cast<int>(by.count()));
    }
    /// The next request of a producer is refused so.
    void refuse_next_produce(rd_kafka_resp_err_t how) { refuse_next(0, how); }
    /// The next that asks for an idempotent producer's id.
    void refuse_next_producer_id(rd_kafka_resp_err_t how) { refuse_next(22, how); }
    void cut() { rd_kafka_mock_broker_set_down(mock_.get(), 1); }
    void mend() { rd_kafka_mock_broker_set_up(mock_.get(), 1); }

private:
    template <auto Destroy>
    struct destroyer {
        void operator()(auto* handle) const noexcept { Destroy(handle); }
    };
    using host_handle = std::unique_ptr<rd_kafka_t, destroyer<rd_kafka_destroy>>;
    using mock_handle = std::unique_ptr<rd_kafka_mock_cluster_t, destroyer<rd_kafka_mock_cluster_destroy>>;

    /// The mock lives in a client that connects to nothing and would say so.
    static rd_kafka_t* make_host() {
        rd_kafka_conf_t* conf = rd_kafka_conf_new();
        (void)rd_kafka_conf_set(conf, "log_level", "3", nullptr, 0);
        return rd_kafka_new(RD_KAFKA_PRODUCER, conf, nullptr, 0);
    }

    void refuse_next(std::int16_t request, rd_kafka_resp_err_t how) {
        rd_kafka_mock_push_request_errors(mock_.get(), request, 1, how);
    }

    threaded_scheduler root_;
    host_handle host_{make_host()};
    mock_handle mock_{rd_kafka_mock_cluster_new(host_.get(), 1)};
    kafka::cluster cluster_{{.bootstrap = rd_kafka_mock_cluster_bootstraps(mock_.get())}};
};

} // namespace corvid::kafka
