// SPDX-License-Identifier: Apache-2.0
#include "setup.hpp"

#include "events.hpp"

namespace flights {

using namespace std::chrono_literals;

namespace {

template <class T>
corvid::topic_settings topic_of(std::uint32_t partitions,
                                corvid::cleanup_policy cleanup = corvid::cleanup_policy::remove) {
    return {
        .name = std::string(corvid::message_traits<T>::topic), .partitions = partitions, .cleanup = cleanup};
}

} // namespace

std::vector<corvid::topic_settings> topics() {
    return {topic_of<flight_reported>(12),
            {.name = dead_letter_topic, .partitions = 12},
            topic_of<flight_cancelled>(12),
            topic_of<plane>(12, corvid::cleanup_policy::compact),
            topic_of<airline>(1, corvid::cleanup_policy::compact)};
}

corvid::settings service_settings(const options& o, const std::string& client) {
    corvid::settings s{.service = "flights",
                       .kafka = {.bootstrap = o.broker, .client_id = client},
                       .produce = {.message_timeout = 30s},
                       .topics = topics()};
    // How long a member that died is waited for. Kafka takes no less than 6 s unless it is told to.
    s.kafka.session_timeout = o.in_process() ? 300ms : 6'000ms;
    s.http.listen.clear(); // several instances in one process
    s.log.level = corvid::log_level::warn;
    s.log.format = corvid::log_format::human;
    return s;
}

} // namespace flights
