// SPDX-License-Identifier: Apache-2.0
#include <corvid/service/runtime.hpp>

#include <corvid/kafka/cluster.hpp>
#include <corvid/memory/cluster.hpp>
#include <corvid/produce/settings.hpp>
#include <corvid/service/threaded_scheduler.hpp>

namespace corvid {

runtime::runtime(const settings& from) : root_(std::make_unique<threaded_scheduler>()) {
    if (auto valid = from.validate(); !valid) throw config_error(std::move(valid).error());
    if (from.kafka.bootstrap == "memory:") {
        cluster_ = std::make_unique<memory::cluster>(*root_);
        if (auto made = create_topics(*cluster_, from.topics, std::chrono::seconds(1)); !made)
            throw config_error(std::move(made).error());
    } else {
        cluster_ = std::make_unique<kafka::cluster>(
            kafka::connection_settings{.bootstrap = from.kafka.bootstrap,
                                       .properties = from.kafka.properties,
                                       .allow_unsafe_assignor = from.kafka.allow_unsafe_assignor,
                                       .allow_insecure = from.kafka.allow_insecure,
                                       .allow_refused_version = from.kafka.allow_refused_version,
                                       .keep_freed_memory = from.kafka.keep_freed_memory});
    }
}

runtime::~runtime() { cluster_.reset(); }

scheduler& runtime::root() noexcept { return *root_; }

result<void> create_topics(broker::cluster& in, const std::vector<topic_settings>& topics,
                           std::chrono::milliseconds timeout) {
    auto admin = in.open_admin();
    for (const auto& topic : topics) {
        auto made = admin->create_topic(topic_spec_of(topic), timeout);
        if (!made && made.error().code() != errc::topic_exists) return made;
    }
    return {};
}

producer_settings producer_settings_of(const settings& from) {
    return {.sink = sink_settings_of(from),
            .in_flight = {.records = from.produce.in_flight, .bytes = from.produce.in_flight_bytes}};
}

} // namespace corvid
