// SPDX-License-Identifier: Apache-2.0
#include <corvid/kafka/cluster.hpp>

#include <corvid/kafka/detail/admin.hpp>
#include <corvid/kafka/detail/client_config.hpp>
#include <corvid/kafka/detail/reader.hpp>
#include <corvid/kafka/detail/sink.hpp>
#include <corvid/kafka/detail/source.hpp>
#include <corvid/kafka/freed_memory.hpp>

namespace corvid::kafka {

cluster::cluster(connection_settings settings)
    : settings_(std::move(settings)), closing_(std::make_shared<closing_thread>()) {
    check_connection(settings_);
    if (settings_.keep_freed_memory) keep_freed_memory();
}

cluster::~cluster() {
    constexpr std::chrono::seconds patience(10);
    (void)closing_->finish(patience);
}

broker::group_member cluster::join(const broker::source_settings& settings, scheduler& loop,
                                   broker::source_listener& listener) {
    closing_->start(loop);
    property_set config = consumer_config(settings_, settings);
    const bool cooperative =
        config.get("partition.assignment.strategy").find("cooperative") != std::string::npos ||
        config.get("group.protocol") == "consumer";
    auto client = std::make_shared<kafka::client>(config.create(RD_KAFKA_CONSUMER), closing_);
    rd_kafka_poll_set_consumer(client->get());
    rd_kafka_set_log_queue(client->get(), nullptr);
    auto member = std::make_unique<source>(std::move(client), settings, cooperative, loop, listener);
    broker::offset_committer& offsets = member->offsets();
    return {.source = std::move(member), .offsets = &offsets};
}

std::unique_ptr<broker::record_sink> cluster::open_sink(const broker::sink_settings& settings,
                                                        scheduler& delivery,
                                                        broker::sink_listener& listener) {
    closing_->start(delivery);
    property_set config = producer_config(settings_, settings);
    const std::size_t limit = record_limit(config);
    auto client = std::make_shared<kafka::client>(config.create(RD_KAFKA_PRODUCER), closing_);
    rd_kafka_set_log_queue(client->get(), nullptr);
    return std::make_unique<sink>(std::move(client), limit, delivery, listener);
}

// No group is joined: nothing is subscribed to and nothing committed. librdkafka wants a name all the same.
std::unique_ptr<broker::partition_reader> cluster::read(const topic_partition& where,
                                                        const broker::reader_settings& settings,
                                                        scheduler& loop, broker::source_listener& listener) {
    closing_->start(loop);
    broker::source_settings as_source{.group = "corvid-reader",
                                      .topics = {where.topic},
                                      .client_id = settings.client_id,
                                      .properties = settings.properties};
    as_source.properties.emplace("enable.partition.eof", "true");
    auto client = std::make_shared<kafka::client>(
        consumer_config(settings_, as_source).create(RD_KAFKA_CONSUMER), closing_);
    rd_kafka_poll_set_consumer(client->get());
    rd_kafka_set_log_queue(client->get(), nullptr);
    return std::make_unique<reader>(std::move(client), where, loop, listener);
}

std::unique_ptr<broker::admin> cluster::open_admin() {
    auto client =
        std::make_shared<kafka::client>(admin_config(settings_).create(RD_KAFKA_PRODUCER), closing_);
    return std::make_unique<admin>(std::move(client));
}

} // namespace corvid::kafka
