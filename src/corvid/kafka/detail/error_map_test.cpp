// SPDX-License-Identifier: Apache-2.0
#include <corvid/kafka/detail/error_map.hpp>

#include <gtest/gtest.h>

#include <span>
#include <string>

namespace corvid::kafka {
namespace {

using broker::persistence;

/// Every code that the loaded librdkafka knows, its own (below 0) and the broker's.
std::span<const rd_kafka_err_desc> all_codes() {
    const rd_kafka_err_desc* codes = nullptr;
    std::size_t count = 0;
    rd_kafka_get_err_descs(&codes, &count);
    return {codes, count};
}

TEST(error_map, every_code_keeps_its_name_and_number) {
    for (const rd_kafka_err_desc& one : all_codes()) {
        if (!one.name || !one.desc) continue;
        const error made = make_error(one.code);
        EXPECT_EQ(made.native_code(), static_cast<int>(one.code));
        EXPECT_NE(made.message().find(rd_kafka_err2name(one.code)), std::string::npos) << made.describe();
    }
}

TEST(error_map, librdkafkas_own_words_are_kept) {
    const error made = make_error(RD_KAFKA_RESP_ERR__TRANSPORT, "127.0.0.1:1/bootstrap: connection refused");
    EXPECT_NE(made.message().find("127.0.0.1:1/bootstrap"), std::string::npos);
    EXPECT_EQ(made.code(), errc::broker_unreachable);
    EXPECT_EQ(made.kind(), error_kind::retriable);
}

TEST(error_map, what_passes_by_itself_is_retriable) {
    for (const auto native :
         {RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN,
          RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
          RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS})
        EXPECT_EQ(classify(native).kind, error_kind::retriable) << rd_kafka_err2name(native);
}

TEST(error_map, what_no_retry_helps_is_rejected) {
    for (const auto native :
         {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
          RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS,
          RD_KAFKA_RESP_ERR_INVALID_RECORD, RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION})
        EXPECT_EQ(classify(native).kind, error_kind::rejected) << rd_kafka_err2name(native);
}

TEST(error_map, a_fresh_broker_that_is_asked_again_is_no_error_of_the_broker) {
    const error fresh = log_line("GETPID", "Failed to acquire idempotence PID from broker h:1/1: Broker: "
                                           "Coordinator load in progress: retrying");
    EXPECT_EQ(fresh.code(), errc::broker_starting);
    EXPECT_EQ(fresh.kind(), error_kind::retriable);
    EXPECT_EQ(log_line("GETPID", "Failed to acquire idempotence PID from broker h:1/1: Broker: Cluster "
                                 "authorization failed: retrying")
                  .code(),
              errc::broker_error);
}

TEST(error_map, a_position_that_librdkafka_has_reset_is_told_with_its_partition) {
    const error told =
        log_line("OFFSET", "[thrd:main]: air.flight.departed [11]: offset reset (at offset 70, broker 1) to "
                           "BEGINNING: fetch failed due to requested offset not available on "
                           "the broker: Broker: Offset out of range");
    EXPECT_EQ(told.code(), errc::position_reset);
    EXPECT_EQ(told.kind(), error_kind::retriable);
    EXPECT_EQ(told.topic(), "air.flight.departed");
    EXPECT_EQ(told.partition(), 11);
    EXPECT_NE(told.message().find("offset 70"), std::string::npos);
    for (const char* other : {"", "x", "x [1]: offset", "]: offset reset ( [", "x []: offset reset (",
                              "[thrd:main]", "[thrd:x]: y"})
        EXPECT_EQ(log_line("OFFSET", other).code(), errc::broker_error) << other;
}

TEST(error_map, what_ends_the_client_is_fatal) {
    for (const auto native :
         {RD_KAFKA_RESP_ERR__FATAL, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, RD_KAFKA_RESP_ERR__FENCED})
        EXPECT_EQ(classify(native).kind, error_kind::fatal) << rd_kafka_err2name(native);
}

// librdkafka closes the connection and opens it anew; the client, its assignment and its offsets stay.
TEST(error_map, a_connection_that_is_refused_does_not_end_the_client) {
    for (const auto native :
         {RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR__SSL,
          RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM,
          RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE}) {
        EXPECT_EQ(classify(native).code, errc::authentication_failed) << rd_kafka_err2name(native);
        EXPECT_EQ(classify(native).kind, error_kind::retriable) << rd_kafka_err2name(native);
    }
}

TEST(error_map, a_commit_of_a_lost_partition_is_told_from_one_that_may_be_tried_again) {
    for (const auto native :
         {RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, RD_KAFKA_RESP_ERR__STATE,
          RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST, static_cast<rd_kafka_resp_err_t>(113)})
        EXPECT_EQ(commit_error(native).code(), errc::assignment_lost) << rd_kafka_err2name(native);
    for (const auto native : {RD_KAFKA_RESP_ERR__TIMED_OUT, RD_KAFKA_RESP_ERR__TRANSPORT,
                              RD_KAFKA_RESP_ERR_NOT_COORDINATOR, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS})
        EXPECT_EQ(commit_error(native).code(), errc::commit_failed) << rd_kafka_err2name(native);
    EXPECT_EQ(commit_error(RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE).kind(), error_kind::rejected);
    EXPECT_EQ(commit_error(RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED).code(), errc::not_authorised);
}

TEST(error_map, the_message_status_is_the_persistence) {
    EXPECT_EQ(persistence_of(RD_KAFKA_MSG_STATUS_NOT_PERSISTED), persistence::no);
    EXPECT_EQ(persistence_of(RD_KAFKA_MSG_STATUS_POSSIBLY_PERSISTED), persistence::possibly);
    EXPECT_EQ(persistence_of(RD_KAFKA_MSG_STATUS_PERSISTED), persistence::yes);
}

TEST(error_map, a_record_that_may_be_in_the_log_says_so_whatever_the_cause) {
    for (const rd_kafka_err_desc& one : all_codes()) {
        if (!one.name || one.code == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
        EXPECT_EQ(delivery_error(one.code, persistence::possibly).code(), errc::possibly_persisted)
            << one.name;
    }
}

TEST(error_map, a_record_that_is_not_in_the_log_is_sent_again_or_refused_for_a_reason) {
    for (const auto native : {RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, RD_KAFKA_RESP_ERR__PURGE_QUEUE,
                              RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS}) {
        const error made = delivery_error(native, persistence::no);
        EXPECT_EQ(made.code(), errc::not_persisted) << rd_kafka_err2name(native);
        EXPECT_EQ(made.kind(), error_kind::retriable);
    }
    EXPECT_EQ(delivery_error(RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, persistence::no).code(), errc::unknown_topic);
    EXPECT_EQ(delivery_error(RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, persistence::no).code(),
              errc::unknown_partition);
    EXPECT_EQ(delivery_error(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, persistence::no).code(),
              errc::message_too_large);
}

} // namespace
} // namespace corvid::kafka
