// SPDX-License-Identifier: Apache-2.0
#include <corvid/kafka/detail/client_config.hpp>

#include <corvid/base/result.hpp>
#include <corvid/kafka/versions.hpp>
#include <corvid/model/topic_pattern.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <initializer_list>
#include <ranges>

namespace corvid::kafka {
namespace {

using std::chrono::milliseconds;

struct pair_of_text {
    const char* name;
    std::string value;
};

[[noreturn]] void refuse(errc code, std::string message, std::string hint = {}) {
    throw config_error(error(code, {.message = std::move(message), .hint = std::move(hint)}));
}

std::uint64_t number_in(const std::string& text) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

std::string text(milliseconds span) { return std::to_string(span.count()); }
std::string text(bool flag) { return flag ? "true" : "false"; }

void apply(property_set& into, std::initializer_list<pair_of_text> all, std::string_view origin) {
    for (const auto& [name, value] : all)
        into.set(name, value, origin);
}

void apply(property_set& into, const std::map<std::string, std::string>& all, std::string_view origin) {
    for (const auto& [name, value] : all)
        into.set(name, value, origin);
}

/// HOST, HOST:PORT or [IPv6]:PORT, perhaps behind a security protocol: librdkafka would take anything, and
/// try it for ever.
bool is_address(std::string_view text) {
    for (const std::string_view protocol : {"plaintext://", "ssl://", "sasl_plaintext://", "sasl_ssl://"})
        if (text.size() > protocol.size() &&
            std::ranges::equal(text.substr(0, protocol.size()), protocol, {},
                               [](unsigned char c) { return std::tolower(c); }))
            text.remove_prefix(protocol.size());
    const bool is_v6 = text.starts_with('[');
    if (is_v6 && !text.contains(']')) return false;
    const std::size_t colon = text.find(':', is_v6 ? text.find(']') : 0);
    const std::string_view host = text.substr(0, colon);
    if (host.empty() || host.find_first_of("/ \t@") != std::string_view::npos) return false;
    if (colon == std::string_view::npos) return true;
    const std::string_view port = text.substr(colon + 1);
    unsigned number = 0;
    const auto [end, failed] = std::from_chars(port.data(), port.data() + port.size(), number);
    return failed == std::errc() && end == port.data() + port.size() && number > 0 && number <= 65'535;
}

std::string addresses(std::string_view bootstrap) {
    constexpr std::string_view scheme = "kafka://";
    if (bootstrap.starts_with(scheme)) bootstrap.remove_prefix(scheme.size());
    while (bootstrap.ends_with('/'))
        bootstrap.remove_suffix(1);
    if (bootstrap.empty())
        refuse(errc::invalid_setting, "kafka.bootstrap is empty", "give host:port,host:port");
    std::string all;
    for (const auto part : std::views::split(bootstrap, ',')) {
        std::string_view one(part.begin(), part.end());
        one.remove_prefix(std::min(one.find_first_not_of(' '), one.size()));
        one = one.substr(0, one.find_last_not_of(' ') + 1);
        if (!is_address(one))
            refuse(errc::invalid_setting,
                   "kafka.bootstrap names \"" + std::string(one) + "\", which is no address",
                   "give host:port,host:port");
        all.append(all.empty() ? "" : ",").append(one);
    }
    return all;
}

property_set base_config(const connection_settings& connection, const std::string& client_id) {
    property_set all;
    apply(all,
          {{"bootstrap.servers", addresses(connection.bootstrap)},
           {"client.id", client_id},
           {"socket.nagle.disable", "true"},
           {"allow.auto.create.topics", "false"},
           {"reconnect.backoff.max.ms", "2000"},
           {"log_level", "4"},
           {"log.queue", "true"}},
          "corvid");
    return all;
}

void check_security(const property_set& all, const connection_settings& connection) {
    if (connection.allow_insecure) return;
    std::string protocol = all.get("security.protocol");
    std::ranges::transform(protocol, protocol.begin(), [](unsigned char c) { return std::tolower(c); });
    const std::string mechanism = all.get("sasl.mechanisms");
    const bool weak = mechanism.starts_with("PLAIN") || mechanism.starts_with("SCRAM");
    if (protocol == "sasl_plaintext" && weak)
        refuse(errc::conflicting_settings,
               "security.protocol=sasl_plaintext sends sasl.mechanism=" + mechanism +
                   " credentials without TLS",
               "set security.protocol=sasl_ssl, or kafka.allow_insecure");
    if (!protocol.ends_with("ssl")) return;
    for (const auto& [name, insecure] : {std::pair{"enable.ssl.certificate.verification", "false"},
                                         {"ssl.endpoint.identification.algorithm", "none"}})
        if (all.get(name) == insecure)
            refuse(errc::conflicting_settings,
                   "security.protocol=" + protocol + " with " + name + "=" + insecure + " trusts any broker",
                   std::string("take ") + name + " out of kafka.properties, or set kafka.allow_insecure");
}

void check_common(const property_set& all, const connection_settings& connection) {
    all.require("log.queue", "true", "the log is read from the event queue");
    check_security(all, connection);
}

void check_assignor(const property_set& all, const connection_settings& connection) {
    constexpr int fixed_in = 0x020a0000;
    if (connection.allow_unsafe_assignor || rd_kafka_version() >= fixed_in) return;
    if (all.get("partition.assignment.strategy").find("cooperative") == std::string::npos) return;
    refuse(errc::invalid_setting,
           std::string("partition.assignment.strategy=cooperative-sticky loses assignments (librdkafka "
                       "#4908, #4059) and "
                       "loops at 100 % CPU (#4800) before 2.10.0; this is ") +
               rd_kafka_version_str(),
           "use range, a newer librdkafka, or kafka.allow_unsafe_assignor");
}

const char* name_of(broker::offset_reset reset) noexcept {
    switch (reset) {
    case broker::offset_reset::earliest:
        return "earliest";
    case broker::offset_reset::latest:
        return "latest";
    default:
        return "error";
    }
}

const char* name_of(broker::acknowledgements acks) noexcept {
    switch (acks) {
    case broker::acknowledgements::none:
        return "0";
    case broker::acknowledgements::leader:
        return "1";
    default:
        return "-1";
    }
}

// The client then sees nothing of those topics: they cost no rebalance and unbalance no assignment. It would
// not see named ones either: where one is among them the source itself leaves the others out.
void leave_out(property_set& all, const broker::source_settings& settings) {
    if (settings.except.empty() || settings.except.contains(',')) return;
    const auto except = topic_pattern::of(settings.except);
    if (!except ||
        std::ranges::any_of(settings.topics, [&](const auto& each) { return except->matches(each); }))
        return;
    all.set("topic.blacklist", topic_pattern::anchored(settings.except), "source_settings");
}

void apply_neutral(property_set& all, const broker::source_settings& settings) {
    const bool committed = settings.isolation == broker::isolation::read_committed;
    apply(all,
          {{"group.id", settings.group},
           {"enable.auto.commit", "false"},
           {"enable.auto.offset.store", "false"},
           {"topic.metadata.refresh.interval.ms", "30000"},
           {"auto.offset.reset", name_of(settings.reset)},
           {"isolation.level", committed ? "read_committed" : "read_uncommitted"},
           {"partition.assignment.strategy", settings.assignor},
           {"session.timeout.ms", text(settings.session_timeout)},
           {"heartbeat.interval.ms", text(std::min(milliseconds(3'000), settings.session_timeout / 3))},
           {"max.poll.interval.ms", text(settings.max_poll_interval)},
           {"queued.min.messages", std::to_string(settings.prefetch_records)},
           {"queued.max.messages.kbytes", std::to_string(settings.prefetch_kbytes)}},
          "source_settings");
    if (!settings.instance_id.empty()) all.set("group.instance.id", settings.instance_id, "source_settings");
    leave_out(all, settings);
    all.set_if_known("fetch.queue.backoff.ms", "10"); // from 2.2.0 on
}

void apply_neutral(property_set& all, const broker::sink_settings& settings) {
    const bool transactional = !settings.transactional_id.empty();
    const milliseconds patience = transactional
                                      ? std::min(settings.message_timeout, settings.transaction_timeout)
                                      : settings.message_timeout;
    apply(all,
          {{"enable.idempotence", text(settings.idempotent)},
           {"acks", name_of(settings.acks)},
           {"linger.ms", text(settings.linger)},
           {"batch.num.messages", std::to_string(settings.batch_records)},
           {"batch.size", std::to_string(settings.batch_bytes)},
           {"compression.type", settings.compression},
           {"request.timeout.ms", text(settings.request_timeout)},
           {"message.timeout.ms", text(patience)},
           {"message.max.bytes", std::to_string(settings.max_record_bytes)},
           // corvid's credit bounds what is in flight; librdkafka's own limits stand far above it.
           {"queue.buffering.max.messages", "10000000"},
           {"queue.buffering.max.kbytes", "16777216"},
           // Records without key would else pass by corvid's partitioner.
           {"sticky.partitioning.linger.ms", "0"},
           // An unknown topic fails its records after this, and a topic made later is seen after that.
           {"topic.metadata.propagation.max.ms", "5000"},
           {"topic.metadata.refresh.interval.ms", "10000"}},
          "sink_settings");
    if (!transactional) return;
    apply(all,
          {{"transactional.id", settings.transactional_id},
           {"transaction.timeout.ms", text(settings.transaction_timeout)}},
          "sink_settings");
}

void check_idempotence(const property_set& all) {
    const std::string acks = all.get("acks");
    if (all.get("enable.idempotence") == "true" && acks != "-1" && acks != "all")
        refuse(errc::conflicting_settings,
               "idempotent=true (enable.idempotence) needs acks=all, not acks=" + acks,
               "set acks to all, or idempotent to false");
}

// The sink holds users to what they said; librdkafka, which cannot tell transfers from them, to that and the
// room of a transfer.
void give_room(property_set& all) {
    constexpr std::uint64_t most = 1'000'000'000; // that librdkafka takes
    const std::uint64_t said = number_in(all.get("message.max.bytes"));
    all.set("message.max.bytes", std::to_string(std::min(said + broker::transfer_room, most)), "corvid");
}

} // namespace

std::size_t record_limit(const property_set& producer) {
    return number_in(producer.get("message.max.bytes")) - broker::transfer_room;
}

property_set consumer_config(const connection_settings& connection, const broker::source_settings& settings) {
    if (settings.group.empty()) refuse(errc::invalid_setting, "a source needs a group", "set kafka.group");
    if (settings.topics.empty() && settings.pattern.empty())
        refuse(errc::invalid_setting,
               "the source of group " + settings.group + " has neither topics nor a pattern");
    property_set all = base_config(connection, settings.client_id);
    apply_neutral(all, settings);
    apply(all, connection.properties, "kafka.properties");
    apply(all, settings.properties, "source properties");
    all.require("enable.auto.commit", "false", "only what was handled is committed");
    all.require("enable.auto.offset.store", "false", "only what was handled is committed");
    all.require("group.id", settings.group, "the group is the subscription's");
    all.require("max.poll.interval.ms", text(settings.max_poll_interval),
                "deadlines and the watchdog go by kafka.max_poll_interval: set that");
    check_common(all, connection);
    check_assignor(all, connection);
    rd_kafka_conf_set_events(all.native(),
                             RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG);
    return all;
}

property_set producer_config(const connection_settings& connection, const broker::sink_settings& settings) {
    property_set all = base_config(connection, settings.client_id);
    apply_neutral(all, settings);
    const std::string own_partitioner = all.get("partitioner"), own_acks = all.get("acks");
    apply(all, connection.properties, "kafka.properties");
    apply(all, settings.properties, "sink properties");
    all.require("sticky.partitioning.linger.ms", "0", "corvid chooses the partition");
    all.require("partitioner", own_partitioner, "corvid chooses the partition");
    all.require("acks", own_acks, "what must be durable elsewhere goes by produce.acks: set that");
    all.require("delivery.report.only.error", "false", "every record is reported");
    give_room(all);
    check_idempotence(all);
    check_common(all, connection);
    rd_kafka_conf_set_events(all.native(), RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG);
    return all;
}

property_set admin_config(const connection_settings& connection) {
    property_set all = base_config(connection, "corvid-admin");
    // Before 2.3.0 a look at the watermarks waits as long as the socket, whatever its own timeout is (#4460).
    all.set("socket.timeout.ms", "10000", "corvid");
    apply(all, connection.properties, "kafka.properties");
    check_common(all, connection);
    rd_kafka_conf_set_events(all.native(), RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG);
    return all;
}

void check_connection(const connection_settings& connection) {
    const version_report report = judge_loaded_version();
    if (report.verdict == fitness::refused && !connection.allow_refused_version) {
        std::string why;
        for (const std::string_view reason : report.reasons)
            why += (why.empty() ? "" : "; ") + std::string(reason);
        refuse(errc::version_refused, "librdkafka " + report.version + ": " + why);
    }
    (void)admin_config(connection);
}

} // namespace corvid::kafka
