// SPDX-License-Identifier: Apache-2.0
#include <corvid/kafka/detail/error_map.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>

namespace corvid::kafka {
namespace {

struct row {
    rd_kafka_resp_err_t native;
    error_class meaning;
};

using enum error_kind;

// What is not listed is the broker's own trouble and passes.
constexpr row meanings[] = {
    {RD_KAFKA_RESP_ERR__TRANSPORT, {errc::broker_unreachable, retriable}},
    {RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, {errc::broker_unreachable, retriable}},
    {RD_KAFKA_RESP_ERR__RESOLVE, {errc::broker_unreachable, retriable}},
    {RD_KAFKA_RESP_ERR__NODE_UPDATE, {errc::broker_unreachable, retriable}},
    {RD_KAFKA_RESP_ERR__WAIT_COORD, {errc::broker_unreachable, retriable}},
    {RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, {errc::broker_unreachable, retriable}},
    {RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE, {errc::broker_unreachable, retriable}},
    {RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION, {errc::broker_unreachable, retriable}},
    {RD_KAFKA_RESP_ERR__TIMED_OUT, {errc::timed_out, retriable}},
    {RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE, {errc::timed_out, retriable}},
    {RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, {errc::timed_out, retriable}},
    {RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, {errc::timed_out, retriable}},
    {RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, {errc::unknown_topic, rejected}},
    {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, {errc::unknown_topic, rejected}},
    {RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, {errc::unknown_partition, rejected}},
    {RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, {errc::invalid_name, rejected}},
    {RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS, {errc::topic_exists, rejected}},
    {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, {errc::not_authorised, rejected}},
    {RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, {errc::not_authorised, rejected}},
    {RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, {errc::not_authorised, rejected}},
    {RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, {errc::not_authorised, rejected}},
    // Of one connection, which librdkafka opens anew (its issues #4293, #4294); credentials may be put right.
    {RD_KAFKA_RESP_ERR__AUTHENTICATION, {errc::authentication_failed, retriable}},
    {RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, {errc::authentication_failed, retriable}},
    {RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM, {errc::authentication_failed, retriable}},
    {RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE, {errc::authentication_failed, retriable}},
    {RD_KAFKA_RESP_ERR__SSL, {errc::authentication_failed, retriable}},
    {RD_KAFKA_RESP_ERR__FATAL, {errc::client_fatal, fatal}},
    {RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, {errc::duplicate_instance, fatal}},
    {RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE, {errc::client_fatal, fatal}},
    {RD_KAFKA_RESP_ERR__FENCED, {errc::producer_fenced, fatal}},
    {RD_KAFKA_RESP_ERR_PRODUCER_FENCED, {errc::producer_fenced, fatal}},
    {RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, {errc::producer_fenced, fatal}},
    {RD_KAFKA_RESP_ERR__QUEUE_FULL, {errc::queue_full, retriable}},
    {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, {errc::message_too_large, rejected}},
    {RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, {errc::no_committed_offset, fatal}},
    {RD_KAFKA_RESP_ERR__NO_OFFSET, {errc::no_committed_offset, fatal}},
    {RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE, {errc::no_committed_offset, fatal}},
    {RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED, {errc::evicted, retriable}},
    {RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION, {errc::unsupported, rejected}},
    {RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, {errc::unsupported, rejected}},
    {RD_KAFKA_RESP_ERR__INVALID_ARG, {errc::broker_refused, rejected}},
    {RD_KAFKA_RESP_ERR_INVALID_REQUEST, {errc::broker_refused, rejected}},
    {RD_KAFKA_RESP_ERR_INVALID_CONFIG, {errc::broker_refused, rejected}},
    {RD_KAFKA_RESP_ERR_INVALID_PARTITIONS, {errc::broker_refused, rejected}},
    {RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR, {errc::broker_refused, rejected}},
    {RD_KAFKA_RESP_ERR_POLICY_VIOLATION, {errc::broker_refused, rejected}},
    {RD_KAFKA_RESP_ERR_INVALID_MSG, {errc::broker_refused, rejected}},
    {RD_KAFKA_RESP_ERR_INVALID_RECORD, {errc::broker_refused, rejected}},
    {RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, {errc::broker_refused, rejected}},
    {RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE, {errc::broker_refused, rejected}},
};

/// What a cluster answers while it starts and elects, and a client asks again without being told to.
constexpr rd_kafka_resp_err_t of_starting[] = {RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
                                               RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE};

std::string named(rd_kafka_resp_err_t native, std::string_view text) {
    std::string message(rd_kafka_err2name(native));
    message += ": ";
    message += text.empty() ? std::string_view(rd_kafka_err2str(native)) : text;
    return message;
}

error build(errc code, error_kind kind, rd_kafka_resp_err_t native, std::string_view text,
            error_details details) {
    details.message = named(native, text);
    details.kind = kind;
    details.native_code = static_cast<int>(native);
    return error(code, std::move(details));
}

/// "[thrd:main]: TOPIC [PARTITION]: offset reset (at offset 7, broker 1) to BEGINNING: …"; none for any other
/// line.
std::optional<error> reset_told_by(std::string_view text) {
    if (text.starts_with("[thrd:")) text.remove_prefix(std::min(text.find("]: "), text.size() - 3) + 3);
    const std::size_t open = text.find(" [");
    const std::size_t close = text.find("]: offset reset (");
    if (open > close || close == std::string_view::npos) return std::nullopt;
    std::int32_t partition = -1;
    const std::string_view number = text.substr(open + 2, close - open - 2);
    if (std::from_chars(number.data(), number.data() + number.size(), partition).ec != std::errc())
        return std::nullopt;
    return error(errc::position_reset, {.message = std::string(text),
                                        .operation = "librdkafka",
                                        .topic = std::string(text.substr(0, open)),
                                        .partition = partition});
}

} // namespace

error_class classify(rd_kafka_resp_err_t native) noexcept {
    for (const row& one : meanings)
        if (one.native == native) return one.meaning;
    return {errc::broker_error, retriable};
}

error make_error(rd_kafka_resp_err_t native, std::string_view text, error_details details) {
    const auto [code, kind] = classify(native);
    return build(code, kind, native, text, std::move(details));
}

error client_error(rd_kafka_t* client, rd_kafka_resp_err_t native, std::string_view text,
                   error_details details) {
    if (native != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) return make_error(native, text, std::move(details));
    std::array<char, 512> addresses{};
    std::size_t size = addresses.size();
    rd_kafka_conf_get(rd_kafka_conf(client), "bootstrap.servers", addresses.data(), &size);
    return make_error(native, std::string(text) + " (kafka.bootstrap is " + addresses.data() + ")",
                      std::move(details));
}

bool worth_telling(std::string_view facility) noexcept {
    return facility != "CONFWARN" && facility != "FAIL"; // the latter comes as an error too
}

error log_line(std::string_view facility, std::string_view text) {
    if (facility == "OFFSET")
        if (auto reset = reset_told_by(text)) return *std::move(reset);
    const bool is_starting = std::ranges::any_of(of_starting, [&](rd_kafka_resp_err_t native) {
        return text.find(rd_kafka_err2str(native)) != std::string_view::npos;
    });
    return error(is_starting ? errc::broker_starting : errc::broker_error,
                 {.message = std::string(facility) + ": " + std::string(text),
                  .operation = "librdkafka",
                  .kind = error_kind::retriable});
}

error fatal_error(rd_kafka_t* client, std::string_view text) {
    std::array<char, 512> own{};
    const rd_kafka_resp_err_t native = rd_kafka_fatal_error(client, own.data(), own.size());
    if (native == RD_KAFKA_RESP_ERR_NO_ERROR) return make_error(RD_KAFKA_RESP_ERR__FATAL, text);
    const errc known = classify(native).code;
    const bool is_told = known == errc::producer_fenced || known == errc::duplicate_instance;
    const errc code = is_told ? known : errc::client_fatal;
    return build(code, error_kind::fatal, native, own.data(), {});
}

error commit_error(rd_kafka_resp_err_t native, error_details details) {
    constexpr int stale_member_epoch = 113; // KIP-848; younger than librdkafka 2.0.2's header
    details.operation = "commit";
    if (static_cast<int>(native) == stale_member_epoch)
        return build(errc::assignment_lost, error_kind::retriable, native, {}, std::move(details));
    switch (native) {
    case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
    case RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST:
    case RD_KAFKA_RESP_ERR__STATE:
        return build(errc::assignment_lost, error_kind::retriable, native, {}, std::move(details));
    default:
        break;
    }
    const auto [code, kind] = classify(native);
    if (kind == error_kind::retriable)
        return build(errc::commit_failed, kind, native, {}, std::move(details));
    return build(code, kind, native, {}, std::move(details));
}

broker::persistence persistence_of(rd_kafka_msg_status_t status) noexcept {
    switch (status) {
    case RD_KAFKA_MSG_STATUS_NOT_PERSISTED:
        return broker::persistence::no;
    case RD_KAFKA_MSG_STATUS_PERSISTED:
        return broker::persistence::yes;
    default:
        return broker::persistence::possibly;
    }
}

error delivery_error(rd_kafka_resp_err_t native, broker::persistence persisted, error_details details) {
    details.operation = "send";
    const bool timed_out = native == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT;
    std::string_view text = timed_out ? "no broker acknowledged it within the message timeout" : "";
    if (native == RD_KAFKA_RESP_ERR_NO_ERROR) text = "no broker acknowledged it, but what was sent after it";
    if (persisted == broker::persistence::possibly)
        return build(errc::possibly_persisted, error_kind::retriable, native, text, std::move(details));
    if (timed_out)
        details.hint =
            "check kafka.bootstrap and the brokers and send it again, or raise produce.message_timeout";
    const auto [code, kind] = classify(native);
    // Retriable by nature (unreachable, timed out, purged, …): what counts is that it is not in the log.
    if (kind == error_kind::retriable || code == errc::no_committed_offset)
        return build(errc::not_persisted, error_kind::retriable, native, text, std::move(details));
    return build(code, kind, native, {}, std::move(details));
}

} // namespace corvid::kafka
