// SPDX-License-Identifier: Apache-2.0
#include "stand.hpp"

#include <corvid/kafka/cluster.hpp>
#include <corvid/outbox/outbox.hpp>

#include <librdkafka/rdkafka.h>

#include <cstdlib>
#include <iostream>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace corvid::faults {
namespace {

constexpr std::int32_t partitions = 6;

void make_tables(threaded_scheduler& root, const std::string& url) {
    struct steps {
        static task<result<int>> make(outbox& box) {
            auto making = box.migrate();
            co_return co_await making;
        }
    };
    database db(root, {.url = url, .pool_size = 1});
    outbox box(db);
    if (auto made = wait_for(root, db.loop(), steps::make(box)); !made)
        throw std::runtime_error(made.error().describe());
}

struct destroy_message {
    void operator()(rd_kafka_message_t* m) const noexcept { rd_kafka_message_destroy(m); }
};
using message_ptr = std::unique_ptr<rd_kafka_message_t, destroy_message>;

using client_ptr = std::unique_ptr<rd_kafka_t, decltype([](rd_kafka_t* k) { rd_kafka_destroy(k); })>;

client_ptr connect(rd_kafka_type_t as, const std::map<std::string, std::string>& with) {
    rd_kafka_conf_t* const conf = rd_kafka_conf_new();
    std::array<char, 256> why{};
    for (const auto& [name, value] : with)
        if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), why.data(), why.size()) != RD_KAFKA_CONF_OK)
            throw std::runtime_error(why.data());
    return client_ptr(rd_kafka_new(as, conf, why.data(), why.size()));
}

sent_event event_of(const rd_kafka_message_t* message) {
    sent_event made{.id = "", .key = {static_cast<const char*>(message->key), message->key_len}};
    rd_kafka_timestamp_type_t type{};
    made.at_ms = rd_kafka_message_timestamp(message, &type);
    rd_kafka_headers_t* headers = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR &&
        rd_kafka_header_get_last(headers, "idempotency_key", &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR)
        made.id.assign(static_cast<const char*>(value), size);
    return made;
}

} // namespace

stand::stand(std::string test, std::vector<std::string> kafka)
    : test_(std::move(test)),
      seed_(chosen_seed()),
      random_(seed_),
      kafka_(std::move(kafka)),
      postgres_({"--set", "track_commit_timestamp=on"}),
      sql_(connect_raw(postgres_.url())) {
    std::cout << test_ << ": seed " << seed_ << std::endl;
    make_tables(root_, postgres_.url());
    (void)rows_of(sql(), "create table work(id text not null)");
    make_topic(topic);
    began_ = root_.steady_now();
}

void stand::make_topic(const std::string& name) const {
    kafka::cluster cluster({.bootstrap = kafka_.bootstrap()});
    const auto made =
        cluster.open_admin()->create_topic({.name = topic_name(name),
                                            .partitions = partitions,
                                            .replication = 1,
                                            .config = {{"message.timestamp.type", "LogAppendTime"}}},
                                           30s);
    if (!made) throw std::runtime_error(made.error().describe());
}

void stand::make_forbidden(const std::string& name) const {
    make_topic(name);
    const client_ptr client = connect(RD_KAFKA_PRODUCER, {{"bootstrap.servers", kafka_.bootstrap()}});
    const std::unique_ptr<rd_kafka_queue_t, decltype([](rd_kafka_queue_t* q) { rd_kafka_queue_destroy(q); })>
        answers(rd_kafka_queue_new(client.get()));
    std::array<char, 256> why{};
    const std::unique_ptr<rd_kafka_AclBinding_t,
                          decltype([](rd_kafka_AclBinding_t* b) { rd_kafka_AclBinding_destroy(b); })>
        binding(rd_kafka_AclBinding_new(
            RD_KAFKA_RESOURCE_TOPIC, name.c_str(), RD_KAFKA_RESOURCE_PATTERN_LITERAL, "User:ANONYMOUS", "*",
            RD_KAFKA_ACL_OPERATION_WRITE, RD_KAFKA_ACL_PERMISSION_TYPE_DENY, why.data(), why.size()));
    if (!binding) throw std::runtime_error(why.data());
    rd_kafka_AclBinding_t* one = binding.get();
    rd_kafka_CreateAcls(client.get(), &one, 1, nullptr, answers.get());
    const std::unique_ptr<rd_kafka_event_t, decltype([](rd_kafka_event_t* e) { rd_kafka_event_destroy(e); })>
        answer(rd_kafka_queue_poll(answers.get(), 20'000));
    const auto* const outcome = rd_kafka_event_CreateAcls_result(answer.get());
    std::size_t count = 0;
    const auto* const each = outcome ? rd_kafka_CreateAcls_result_acls(outcome, &count) : nullptr;
    if (count != 1 || rd_kafka_acl_result_error(*each))
        throw std::runtime_error("the broker takes no rule for " + name);
}

std::unique_ptr<child> stand::start_relay(const std::vector<std::string>& told) const {
    std::vector<std::string> command{CORVID_RELAY_WORKER, postgres_.url(), kafka_.bootstrap()};
    command.insert(command.end(), told.begin(), told.end());
    return std::make_unique<child>(command);
}

std::unique_ptr<writers> stand::start_writers(writer_settings settings) {
    settings.topic = topic;
    return std::make_unique<writers>(root_, postgres_.url(), std::move(settings), seed_);
}

bool stand::eventually(const std::function<bool()>& holds, std::chrono::milliseconds patience) {
    const auto until = root_.steady_now() + patience;
    while (!holds()) {
        if (root_.steady_now() > until) return false;
        let_pass(50ms);
    }
    return true;
}

bool stand::drained(std::chrono::milliseconds patience) {
    return eventually(
        [&] {
            return rows_of(sql(), "select count(*) from outbox_status where state = 'pending'")[0][0] == "0";
        },
        patience);
}

// The order of commits is the server's own: of two transactions with one aggregate the second takes its time
// of commit when the first has given the aggregate up, which it does after its own.
event_history stand::history_of(const writers& by) const {
    event_history h;
    by.tell(h);
    for (auto& row :
         rows_of(sql(), "select id, aggregate_id, (extract(epoch from pg_xact_commit_timestamp(xmin))"
                        " * 1000000)::int8 from outbox order by pg_xact_commit_timestamp(xmin), seq"))
        h.committed.push_back({row[0], row[1], std::stoll(row[2])});
    for (auto& row : rows_of(sql(), "select id from outbox_parked"))
        h.parked.insert(row[0]);
    h.sent = log();
    return h;
}

// With librdkafka alone.
std::vector<sent_event> stand::log() const {
    const client_ptr consumer = connect(RD_KAFKA_CONSUMER, {{"bootstrap.servers", kafka_.bootstrap()},
                                                            {"group.id", "checker"},
                                                            {"enable.auto.commit", "false"},
                                                            {"enable.partition.eof", "true"}});
    rd_kafka_poll_set_consumer(consumer.get());
    rd_kafka_topic_partition_list_t* const all = rd_kafka_topic_partition_list_new(partitions);
    for (std::int32_t p = 0; p < partitions; ++p)
        rd_kafka_topic_partition_list_add(all, topic, p)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(consumer.get(), all);
    rd_kafka_topic_partition_list_destroy(all);
    std::vector<sent_event> found;
    std::set<std::int32_t> ended; // librdkafka may say it twice of one
    while (std::cmp_less(ended.size(), partitions)) {
        const message_ptr message(rd_kafka_consumer_poll(consumer.get(), 20'000));
        if (!message) throw std::runtime_error("the topic cannot be read");
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
            ended.insert(message->partition);
        else if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            found.push_back(event_of(message.get()));
    }
    rd_kafka_consumer_close(consumer.get());
    return found;
}

event_findings stand::conclude(const writers& by, bool expected_green) {
    const event_history h = history_of(by);
    event_findings found = judge(h);
    std::ostringstream line;
    const std::chrono::duration<double> took = root_.steady_now() - began_;
    line << R"({"test":")" << test_ << R"(","kafka":")" << kafka_.version() << R"(","librdkafka":")"
         << rd_kafka_version_str() << R"(","seed":)" << seed_ << R"(,"seconds":)" << took.count()
         << R"(,"faults":)" << faults_ << R"(,"committed":)" << h.committed.size() << R"(,"rolled_back":)"
         << by.rolled_back() << R"(,"sent":)" << h.sent.size() << R"(,"parked":)" << h.parked.size()
         << R"(,"lost":)" << found.lost << R"(,"dup":)" << found.duplicates << R"(,"ghost":)" << found.ghost
         << R"(,"reorder":)" << found.reorder << R"(,"misparked":)" << found.misparked << R"(,"missing":)"
         << found.missing << R"(,"max_lag_s":)" << found.max_lag_s;
    for (const auto& [name, value] : figures_)
        line << ",\"" << name << "\":" << value;
    line << R"(,"verdict":")" << (found.green() ? "green" : "red") << R"(","expected":")"
         << (expected_green ? "green" : "red") << "\"}";
    std::cout << line.str() << std::endl;
    if (found.lost > 0) {
        event_history again = h;
        again.sent = log();
        std::cout << "the log read once more: lost " << judge(again).lost << " of " << again.sent.size()
                  << " sent\n";
        for (auto& row : rows_of(sql(), "select id, seq, shard, aggregate_id, xmin, created_at, "
                                        "pg_xact_commit_timestamp(xmin) from outbox order by seq limit 60"))
            std::cout << row[0] << " seq " << row[1] << " shard " << row[2] << " key " << row[3] << " xid "
                      << row[4] << " written " << row[5] << " committed " << row[6] << '\n';
    }
    return found;
}

} // namespace corvid::faults
