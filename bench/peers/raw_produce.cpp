// SPDX-License-Identifier: Apache-2.0
// Raw librdkafka, one thread: rd_kafka_produce on a topic handle, delivery reports by callback from the same
// thread's rd_kafka_poll. `raw` keeps at most --in-flight records unacknowledged by a counter of its own;
// `raw_default` has no bound but librdkafka's own queue limits. Also fills the topics of the consume bench.
#include <bench/arm.hpp>
#include <bench/peers/flight.hpp>
#include <bench/peers/handles.hpp>

#include <limits>

namespace corvid::bench {
namespace {

struct reports {
    std::uint64_t in_flight = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t failed = 0;
};

void on_report(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
    auto& all = *static_cast<reports*>(opaque);
    --all.in_flight;
    if (message->err)
        ++all.failed;
    else
        ++all.acknowledged;
}

class raw_producer {
public:
    explicit raw_producer(const options& chosen);

    void send(std::uint64_t count);
    void flush();
    [[nodiscard]] const reports& so_far() const { return *reports_; }

private:
    void make_value(std::uint64_t record);
    void enqueue(std::uint64_t record);
    void drain();

    std::unique_ptr<reports> reports_ = std::make_unique<reports>();
    std::uint64_t limit_;
    bool json_;
    record_shape shape_;
    std::vector<std::string> keys_;
    std::string value_;
    client client_;
    topic_handle topic_;
    std::uint64_t next_ = 0;
};

client make_client(const options& chosen, reports& all) {
    configuration conf{{"bootstrap.servers", chosen.bootstrap.c_str()},
                       {"enable.idempotence", "true"},
                       {"acks", "all"},
                       {"linger.ms", "5"},
                       {"batch.num.messages", "10000"},
                       {"batch.size", "1000000"},
                       {"compression.type", "none"},
                       {"partitioner", "murmur2_random"},
                       {"socket.nagle.disable", "true"}};
    rd_kafka_conf_set_opaque(conf.get(), &all);
    rd_kafka_conf_set_dr_msg_cb(conf.get(), on_report);
    return conf.make(RD_KAFKA_PRODUCER);
}

raw_producer::raw_producer(const options& chosen)
    : limit_(chosen.arm == "raw_default" ? std::numeric_limits<std::uint64_t>::max() : chosen.in_flight),
      json_(chosen.format == "json"),
      shape_{chosen.keys},
      keys_(make_keys(chosen.keys)),
      value_(chosen.size, 'x'),
      client_(make_client(chosen, *reports_)),
      topic_(rd_kafka_topic_new(client_.get(), chosen.topic.c_str(), nullptr)) {
    if (!topic_) die(chosen.topic.c_str(), rd_kafka_err2str(rd_kafka_last_error()));
}

void raw_producer::make_value(std::uint64_t record) {
    if (json_)
        write_flight(make_flight(record), value_);
    else
        stamp(value_.data(), shape_.key_of(record), shape_.sequence_of(record));
}

void raw_producer::enqueue(std::uint64_t record) {
    const std::string& key = keys_[shape_.key_of(record)];
    while (rd_kafka_produce(topic_.get(), RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, value_.data(),
                            value_.size(), key.data(), key.size(), nullptr) != 0) {
        if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            die("produce", rd_kafka_err2str(rd_kafka_last_error()));
        rd_kafka_poll(client_.get(), 10);
    }
    ++reports_->in_flight;
}

/// Down to a quarter, not by one: fewer wake-ups, larger batches (measured 5-10 % below refilling at once).
void raw_producer::drain() {
    while (reports_->in_flight > limit_ / 4)
        rd_kafka_poll(client_.get(), 100);
}

void raw_producer::send(std::uint64_t count) {
    for (const std::uint64_t end = next_ + count; next_ < end; ++next_) {
        if (reports_->in_flight >= limit_) drain();
        make_value(next_);
        enqueue(next_);
        if (next_ % 1024 == 0) rd_kafka_poll(client_.get(), 0);
    }
}

void raw_producer::flush() { rd_kafka_flush(client_.get(), 60'000); }

int run(const options& chosen) {
    raw_producer producer(chosen);
    producer.send(chosen.warm_up);
    producer.flush();
    span measured;
    measured.begin();
    producer.send(chosen.messages);
    producer.flush();
    measured.end();
    const reports& all = producer.so_far();
    outcome result{.messages = chosen.messages};
    result.correct = all.failed == 0 && all.acknowledged == chosen.messages + chosen.warm_up;
    if (!result.correct)
        result.why =
            std::to_string(all.acknowledged) + " acknowledged, " + std::to_string(all.failed) + " failed";
    print_line(chosen, measured, result, rd_kafka_version_str());
    return result.correct ? 0 : 1;
}

} // namespace
} // namespace corvid::bench

int main(int argc, char** argv) { return corvid::bench::run(corvid::bench::parse_options(argc, argv)); }
