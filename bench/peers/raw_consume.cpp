// SPDX-License-Identifier: Apache-2.0
// Raw librdkafka: `raw_poll` takes single records from rd_kafka_consumer_poll; `raw_batch` takes batches from
// un-forwarded partition queues, woken by one eventfd; `raw_batch_simdjson` reads each value into a flight.
#include <bench/arm.hpp>
#include <bench/peers/flight_simdjson.hpp>
#include <bench/peers/handles.hpp>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <chrono>

namespace corvid::bench {
namespace {

constexpr auto patience = std::chrono::seconds(30);

/// Ends the program when no record came for `patience`.
class watchdog {
public:
    void fed() { last_ = std::chrono::steady_clock::now(); }
    void starved(const order_check& order) const {
        if (std::chrono::steady_clock::now() - last_ < patience) return;
        die("no record for 30 s", (std::to_string(order.taken()) + " taken").c_str());
    }

private:
    std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

class sink {
public:
    sink(const options& chosen, bool typed) : order_(chosen.keys), typed_(typed) {}

    void take(const rd_kafka_message_t& message) {
        if (message.err) [[unlikely]]
            ++errors_;
        else if (!typed_)
            order_.take_bytes(message.payload, message.len);
        else if (!reader_.read(message.payload, message.len, flight_)) [[unlikely]]
            ++errors_;
        else {
            order_.take_row(static_cast<std::uint64_t>(flight_.row));
            sum_.add(flight_);
        }
    }
    [[nodiscard]] const order_check& order() const { return order_; }
    [[nodiscard]] std::uint64_t count() const { return order_.taken() + order_.wrong() + errors_; }
    [[nodiscard]] outcome verdict(std::uint64_t expected) const {
        outcome result = judge(order_, expected);
        if (errors_ != 0) result.why = std::to_string(errors_) + " records with an error";
        if (typed_ && sum_ != expected_sum(expected)) result.why += " the flights' sums differ";
        result.correct = result.why.empty();
        return result;
    }

private:
    order_check order_;
    bool typed_;
    std::uint64_t errors_ = 0;
    flight_reader reader_;
    flight flight_;
    flight_sum sum_;
};

void set_common(configuration& conf, const options& chosen) {
    conf.set("bootstrap.servers", chosen.bootstrap.c_str());
    conf.set("group.id", chosen.group.c_str());
}

configuration consumer_settings() {
    return {{"auto.offset.reset", "earliest"},
            {"enable.auto.commit", "true"},
            {"auto.commit.interval.ms", "1000"},
            {"queued.min.messages", "100000"},
            {"queued.max.messages.kbytes", "16384"},
            {"check.crcs", "false"},
            {"fetch.wait.max.ms", "500"},
            {"partition.assignment.strategy", "range"},
            {"socket.nagle.disable", "true"}};
}

void subscribe(rd_kafka_t* consumer, const options& chosen) {
    const partition_list topics(rd_kafka_topic_partition_list_new(1));
    rd_kafka_topic_partition_list_add(topics.get(), chosen.topic.c_str(), RD_KAFKA_PARTITION_UA);
    if (const auto error = rd_kafka_subscribe(consumer, topics.get()))
        die("subscribe", rd_kafka_err2str(error));
}

/// The span begins with the assignment: connections stand, nothing is fetched yet.
void on_rebalance(rd_kafka_t* consumer, rd_kafka_resp_err_t error,
                  rd_kafka_topic_partition_list_t* partitions, void* opaque) {
    const bool assigned = error == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
    if (assigned) static_cast<span*>(opaque)->begin();
    rd_kafka_assign(consumer, assigned ? partitions : nullptr);
}

void consume_by_poll(const options& chosen, span& measured, sink& into) {
    configuration conf = consumer_settings();
    set_common(conf, chosen);
    rd_kafka_conf_set_opaque(conf.get(), &measured);
    rd_kafka_conf_set_rebalance_cb(conf.get(), on_rebalance);
    const client consumer = conf.make(RD_KAFKA_CONSUMER);
    rd_kafka_poll_set_consumer(consumer.get());
    subscribe(consumer.get(), chosen);
    watchdog guard;
    while (into.count() < chosen.messages) {
        if (rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer.get(), 1000)) {
            into.take(*message);
            rd_kafka_message_destroy(message);
            if (into.count() % 65'536 == 0) guard.fed();
        } else {
            guard.starved(into.order());
        }
    }
    measured.end();
    rd_kafka_consumer_close(consumer.get());
}

/// One wake-up for all queues: each writes to the eventfd when it turns from empty to not empty.
class bell {
public:
    bell() : fd_(eventfd(0, EFD_NONBLOCK)) {}
    ~bell() { close(fd_); }
    bell(const bell&) = delete;
    bell& operator=(const bell&) = delete;

    void hang_on(rd_kafka_queue_t* queue) const {
        static constexpr std::uint64_t one = 1;
        rd_kafka_queue_io_event_enable(queue, fd_, &one, sizeof one);
    }
    void wait() const {
        pollfd waiting{.fd = fd_, .events = POLLIN, .revents = 0};
        poll(&waiting, 1, 1000);
        std::uint64_t rings = 0;
        [[maybe_unused]] const auto size = read(fd_, &rings, sizeof rings);
    }

private:
    int fd_;
};

class batch_consumer {
public:
    batch_consumer(const options& chosen, span& measured);
    void run(std::uint64_t count, sink& into);
    void close() const { rd_kafka_consumer_close(client_.get()); }

private:
    static constexpr std::size_t batch_size = 1024;

    void serve_events();
    void rebalance(rd_kafka_event_t* event);
    void un_forward(const rd_kafka_topic_partition_list_t& partitions);
    [[nodiscard]] std::size_t drain(rd_kafka_queue_t* queue, sink& into);

    span& measured_;
    client client_;
    bell bell_;
    queue_handle events_;
    std::vector<queue_handle> partitions_;
    std::array<rd_kafka_message_t*, batch_size> batch_{};
};

client make_batch_client(const options& chosen) {
    configuration conf = consumer_settings();
    set_common(conf, chosen);
    rd_kafka_conf_set_events(conf.get(), RD_KAFKA_EVENT_REBALANCE);
    return conf.make(RD_KAFKA_CONSUMER);
}

batch_consumer::batch_consumer(const options& chosen, span& measured)
    : measured_(measured), client_(make_batch_client(chosen)) {
    rd_kafka_poll_set_consumer(client_.get());
    events_.reset(rd_kafka_queue_get_consumer(client_.get()));
    bell_.hang_on(events_.get());
    subscribe(client_.get(), chosen);
}

void batch_consumer::un_forward(const rd_kafka_topic_partition_list_t& partitions) {
    for (int i = 0; i < partitions.cnt; ++i) {
        const auto& partition = partitions.elems[i];
        queue_handle queue(rd_kafka_queue_get_partition(client_.get(), partition.topic, partition.partition));
        rd_kafka_queue_forward(queue.get(), nullptr);
        bell_.hang_on(queue.get());
        partitions_.push_back(std::move(queue));
    }
}

void batch_consumer::rebalance(rd_kafka_event_t* event) {
    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        partitions_.clear();
        rd_kafka_assign(client_.get(), nullptr);
        return;
    }
    const rd_kafka_topic_partition_list_t* partitions = rd_kafka_event_topic_partition_list(event);
    un_forward(*partitions);
    measured_.begin();
    rd_kafka_assign(client_.get(), partitions);
}

void batch_consumer::serve_events() {
    while (const event_handle event{rd_kafka_queue_poll(events_.get(), 0)}) {
        if (rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_REBALANCE)
            rebalance(event.get());
        else if (rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR)
            std::fprintf(stderr, "bench: %s\n", rd_kafka_event_error_string(event.get()));
    }
}

std::size_t batch_consumer::drain(rd_kafka_queue_t* queue, sink& into) {
    const auto taken = rd_kafka_consume_batch_queue(queue, 0, batch_.data(), batch_.size());
    for (ssize_t i = 0; i < taken; ++i) {
        into.take(*batch_[static_cast<std::size_t>(i)]);
        rd_kafka_message_destroy(batch_[static_cast<std::size_t>(i)]);
    }
    return taken > 0 ? static_cast<std::size_t>(taken) : 0;
}

void batch_consumer::run(std::uint64_t count, sink& into) {
    watchdog guard;
    while (into.count() < count) {
        std::size_t taken = 0;
        for (const auto& queue : partitions_)
            taken += drain(queue.get(), into);
        if (taken != 0) {
            guard.fed();
            continue;
        }
        serve_events();
        bell_.wait();
        guard.starved(into.order());
    }
    measured_.end();
}

int run(const options& chosen) {
    span measured;
    sink into(chosen, chosen.arm == "raw_batch_simdjson");
    if (chosen.arm == "raw_poll") {
        consume_by_poll(chosen, measured, into);
    } else {
        batch_consumer consumer(chosen, measured);
        consumer.run(chosen.messages, into);
        consumer.close();
    }
    const outcome result = into.verdict(chosen.messages);
    print_line(chosen, measured, result, rd_kafka_version_str());
    return result.correct ? 0 : 1;
}

} // namespace
} // namespace corvid::bench

int main(int argc, char** argv) { return corvid::bench::run(corvid::bench::parse_options(argc, argv)); }
