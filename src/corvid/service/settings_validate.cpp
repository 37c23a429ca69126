// SPDX-License-Identifier: Apache-2.0
#include <corvid/service/detail/listen_address.hpp>
#include <corvid/service/detail/setting_text.hpp>
#include <corvid/service/settings.hpp>

#include <algorithm>
#include <set>

namespace corvid {

namespace {

using detail::duration_text;
using detail::size_text;

std::unexpected<error> clash(std::string message, std::string hint) {
    return fail(errc::conflicting_settings,
                {.message = std::move(message), .hint = std::move(hint), .operation = "validate settings"});
}

std::unexpected<error> wrong(std::string message, std::string hint) {
    return fail(errc::invalid_setting,
                {.message = std::move(message), .hint = std::move(hint), .operation = "validate settings"});
}

/// `inner` is longer than `outer`, which it must fit into.
std::unexpected<error> too_long(const std::string& inner, std::chrono::milliseconds value,
                                const std::string& outer, std::chrono::milliseconds limit) {
    return clash(inner + " (" + duration_text(value) + ") is longer than " + outer + " (" +
                     duration_text(limit) + ')',
                 "lower " + inner + " or raise " + outer);
}

std::unexpected<error> not_below(const std::string& inner, std::chrono::milliseconds value,
                                 const std::string& outer, std::chrono::milliseconds limit) {
    return clash(inner + " (" + duration_text(value) + ") is not below " + outer + " (" +
                     duration_text(limit) + ')',
                 "lower " + inner + " or raise " + outer);
}

bool is_service_name(std::string_view name) noexcept {
    const auto ok = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    };
    return !name.empty() && name.size() <= 100 && std::ranges::all_of(name, ok) && !name.starts_with('.') &&
           !name.ends_with('.') && name.find("..") == std::string_view::npos;
}

result<void> validate_service(const settings& s) {
    if (!is_service_name(s.service))
        return wrong("service is \"" + s.service + "\"",
                     "use at most 100 characters of [a-z0-9-], in segments joined by dots");
    return {};
}

result<void> validate_kafka(const kafka_settings& k) {
    if (k.bootstrap.empty()) return wrong("kafka.bootstrap is empty", "name a broker: host:9092");
    if (k.group.find("{subscription}") == std::string::npos)
        return wrong("kafka.group is \"" + k.group + "\" and would put all subscriptions into one group",
                     "write {subscription} into it");
    if (k.membership == membership::fixed && k.instance.empty())
        return clash("kafka.membership is static and kafka.instance is empty",
                     "give each instance a kafka.instance of its own that it keeps, such as ${HOSTNAME} of a "
                     "StatefulSet, or set kafka.membership to dynamic");
    if (!k.instance.empty() && (!is_kafka_topic(k.instance) || k.instance.size() > 100))
        return wrong("kafka.instance is \"" + k.instance + '"',
                     "use at most 100 characters of [a-zA-Z0-9._-]");
    if (k.session_timeout >= k.max_poll_interval)
        return not_below("kafka.session_timeout", k.session_timeout, "kafka.max_poll_interval",
                         k.max_poll_interval);
    return {};
}

// A revoke may take as long as a drain, and the member must still be there to answer it.
result<void> validate_shutdown(const settings& s) {
    if (s.shutdown.drain >= s.kafka.max_poll_interval)
        return not_below("shutdown.drain", s.shutdown.drain, "kafka.max_poll_interval",
                         s.kafka.max_poll_interval);
    return {};
}

result<void> validate_produce(const produce_settings& p) {
    if (p.idempotent && p.acks != broker::acknowledgements::all)
        return clash("produce.idempotent needs produce.acks to be all",
                     "set produce.acks to all, or produce.idempotent to false");
    if (p.linger >= p.message_timeout)
        return clash("produce.linger (" + duration_text(p.linger) +
                         ") leaves no time within produce.message_timeout (" +
                         duration_text(p.message_timeout) + ')',
                     "lower produce.linger or raise produce.message_timeout");
    if (p.request_timeout > p.message_timeout)
        return too_long("produce.request_timeout", p.request_timeout, "produce.message_timeout",
                        p.message_timeout);
    if (p.max_record_bytes > p.in_flight_bytes)
        return clash("produce.max_record_bytes (" + size_text(p.max_record_bytes) +
                         ") does not fit into produce.in_flight_bytes (" + size_text(p.in_flight_bytes) + ')',
                     "raise produce.in_flight_bytes or lower produce.max_record_bytes");
    return {};
}

result<void> validate_http(const http_settings& h) {
    if (h.listen.empty()) return {};
    const auto address = detail::listen_address::parse(h.listen);
    if (!address) return fail(address.error());
    if (!address->loopback && h.token.empty())
        return clash("http.listen (" + h.listen + ") is open to other machines and http.token is empty",
                     "set http.token, or listen on 127.0.0.1");
    return {};
}

result<void> validate_topics(const std::vector<topic_settings>& topics) {
    std::set<std::string_view> names;
    for (const topic_settings& topic : topics) {
        if (!names.insert(topic.name).second)
            return wrong("topics has two entries of the name " + topic.name, "remove one of them");
        if (auto name = topic_name::checked(topic.name); !name) return fail(name.error());
        if (topic.retention && topic.cleanup == cleanup_policy::compact)
            return clash("topic " + topic.name + ": retention has no effect where cleanup is compact",
                         "remove retention, or set cleanup to \"compact,delete\"");
    }
    return {};
}

} // namespace

result<void> settings::validate() const {
    auto answer = validate_service(*this);
    if (answer) answer = validate_kafka(kafka);
    if (answer) answer = validate_shutdown(*this);
    if (answer) answer = validate_produce(produce);
    if (answer) answer = validate_http(http);
    if (answer) answer = validate_topics(topics);
    return answer;
}

} // namespace corvid
