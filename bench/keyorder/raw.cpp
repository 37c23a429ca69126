// SPDX-License-Identifier: Apache-2.0
// Raw librdkafka, one thread a partition: each takes batches from its partition's own queue, does the work by
// blocking, stores the offset behind the batch; librdkafka commits every second. Its concurrency is the
// number of partitions.
#include <bench/keyorder/key_check.hpp>
#include <bench/peers/handles.hpp>

#include <array>
#include <atomic>
#include <list>
#include <thread>

namespace corvid::bench {
namespace {

using flag = std::atomic<bool>;

class partition_thread {
public:
    partition_thread(rd_kafka_t* consumer, const rd_kafka_topic_partition_t& of, const handler_work& work,
                     key_check& check, const flag& over)
        : queue_(rd_kafka_queue_get_partition(consumer, of.topic, of.partition)),
          topic_(rd_kafka_topic_new(consumer, of.topic, nullptr)),
          partition_(of.partition),
          work_(work),
          check_(check),
          over_(over) {
        rd_kafka_queue_forward(queue_.get(), nullptr);
        thread_ = std::thread([this] { run(); });
    }
    void join() { thread_.join(); }

private:
    static constexpr std::size_t batch_size = 1024;

    void run() {
        std::array<rd_kafka_message_t*, batch_size> batch{};
        const std::size_t most = work_.kind == work_kind::none ? batch_size : 16;
        while (!over_.load(std::memory_order_relaxed)) {
            const auto taken = rd_kafka_consume_batch_queue(queue_.get(), 100, batch.data(), most);
            std::int64_t last = -1;
            for (ssize_t i = 0; i < taken; ++i) {
                rd_kafka_message_t* const message = batch[static_cast<std::size_t>(i)];
                if (handle(*message)) last = message->offset;
                rd_kafka_message_destroy(message);
            }
            if (last >= 0) rd_kafka_offset_store(topic_.get(), partition_, last);
        }
    }
    bool handle(const rd_kafka_message_t& message) {
        keyed what{};
        if (message.err) return false;
        if (!read_value(message.payload, message.len, what)) {
            check_.strange();
            return false;
        }
        check_.begin(what);
        if (work_.kind == work_kind::wait) std::this_thread::sleep_for(work_.length);
        if (work_.kind == work_kind::cpu) spin(work_.length);
        check_.end(what);
        return true;
    }

    queue_handle queue_;
    topic_handle topic_;
    int partition_;
    handler_work work_;
    key_check& check_;
    const flag& over_;
    std::thread thread_;
};

client make_consumer(const options& chosen) {
    configuration conf{{"auto.offset.reset", "earliest"},
                       {"enable.auto.commit", "true"},
                       {"enable.auto.offset.store", "false"},
                       {"auto.commit.interval.ms", "1000"},
                       {"queued.min.messages", "100000"},
                       {"queued.max.messages.kbytes", "16384"},
                       {"check.crcs", "false"},
                       {"partition.assignment.strategy", "range"},
                       {"socket.nagle.disable", "true"},
                       {"bootstrap.servers", chosen.bootstrap.c_str()},
                       {"group.id", chosen.group.c_str()}};
    rd_kafka_conf_set_events(conf.get(), RD_KAFKA_EVENT_REBALANCE);
    return conf.make(RD_KAFKA_CONSUMER);
}

class consumer {
public:
    consumer(const options& chosen, key_check& check, const flag& over)
        : client_(make_consumer(chosen)), work_(parse_work(chosen.work)), check_(check), over_(over) {
        rd_kafka_poll_set_consumer(client_.get());
        events_.reset(rd_kafka_queue_get_consumer(client_.get()));
        const partition_list topics(rd_kafka_topic_partition_list_new(1));
        rd_kafka_topic_partition_list_add(topics.get(), chosen.topic.c_str(), RD_KAFKA_PARTITION_UA);
        if (const auto error = rd_kafka_subscribe(client_.get(), topics.get()))
            die("subscribe", rd_kafka_err2str(error));
    }

    void run() {
        const auto patience = std::chrono::steady_clock::now() + std::chrono::minutes(4);
        while (!over_.load(std::memory_order_relaxed) && std::chrono::steady_clock::now() < patience)
            if (const event_handle event{rd_kafka_queue_poll(events_.get(), 10)}) take(event.get());
    }
    void close() {
        for (auto& each : threads_)
            each.join();
        threads_.clear();
        rd_kafka_consumer_close(client_.get());
    }

private:
    void take(rd_kafka_event_t* event) {
        if (rd_kafka_event_type(event) != RD_KAFKA_EVENT_REBALANCE) return;
        if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
            die("rebalance", "partitions lost");
        const auto* partitions = rd_kafka_event_topic_partition_list(event);
        for (int i = 0; i < partitions->cnt; ++i)
            threads_.emplace_back(client_.get(), partitions->elems[i], work_, check_, over_);
        rd_kafka_assign(client_.get(), partitions);
    }

    client client_;
    queue_handle events_;
    handler_work work_;
    key_check& check_;
    const flag& over_;
    std::list<partition_thread> threads_;
};

int measure(const options& chosen) {
    span measured;
    flag over{false};
    key_check check(chosen, measured, [&over] { over = true; });
    consumer consuming(chosen, check, over);
    consuming.run();
    over = true;
    consuming.close();
    const outcome result = check.verdict();
    print_line(chosen, measured, result, rd_kafka_version_str());
    return result.correct ? 0 : 1;
}

} // namespace
} // namespace corvid::bench

int main(int argc, char** argv) { return corvid::bench::measure(corvid::bench::parse_options(argc, argv)); }
