// SPDX-License-Identifier: Apache-2.0
#include <corvid/kafka/detail/client_config.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace corvid::kafka {
namespace {

using broker::source_settings;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const connection_settings here{.bootstrap = "localhost:9092"};

source_settings reading() { return {.group = "g", .topics = {topic_name("a.b")}}; }

connection_settings with(std::map<std::string, std::string> properties) {
    connection_settings made = here;
    made.properties = std::move(properties);
    return made;
}

/// What the settings are refused with; fails the test where they are not.
template <class F>
error refusal_of(F make) {
    try {
        (void)make();
    } catch (const config_error& refused) {
        return refused.why();
    }
    ADD_FAILURE() << "the settings were taken";
    return error(errc::stopped);
}

error refusal_of(const connection_settings& connection) {
    return refusal_of([&] { return producer_config(connection, {}); });
}

TEST(client_config, a_consumer_commits_nothing_by_itself) {
    const property_set all = consumer_config(here, reading());
    EXPECT_EQ(all.get("enable.auto.commit"), "false");
    EXPECT_EQ(all.get("enable.auto.offset.store"), "false");
    EXPECT_EQ(all.get("auto.offset.reset"), "smallest");
    EXPECT_EQ(all.get("isolation.level"), "read_committed");
    EXPECT_EQ(all.get("partition.assignment.strategy"), "range");
    EXPECT_EQ(all.get("allow.auto.create.topics"), "false");
    EXPECT_EQ(all.get("socket.nagle.disable"), "true");
}

TEST(client_config, a_producer_is_safe_by_default) {
    const property_set all = producer_config(here, {});
    EXPECT_EQ(all.get("enable.idempotence"), "true");
    EXPECT_EQ(all.get("acks"), "-1");
    EXPECT_EQ(all.get("delivery.report.only.error"), "false");
    EXPECT_EQ(all.get("sticky.partitioning.linger.ms"), "0");
    EXPECT_EQ(all.get("allow.auto.create.topics"), "false");
    EXPECT_EQ(all.get("message.timeout.ms"), "120000");
    EXPECT_EQ(all.get("compression.codec"), "lz4");
}

TEST(client_config, what_is_no_address_is_refused_and_not_tried_for_ever) {
    for (const char* good :
         {"a", "a:1", "a:1, b:65535", "10.0.0.1:9092", "[::1]:9092", "[::1]", "SASL_SSL://a:1"})
        EXPECT_NO_THROW((void)admin_config({.bootstrap = good})) << good;
    for (const char* bad : {"a:b", "a:0", "a:65536", "a:", ":1", "a:1,,b:1", "a:1,", "kafka:/a:1",
                            "http://a:1", "a:1/x", "a b:1", "[::1", "a:-1", "ssl://"}) {
        const error why = refusal_of([&] { return admin_config({.bootstrap = bad}); });
        EXPECT_EQ(why.code(), errc::invalid_setting) << bad;
        EXPECT_THAT(std::string(why.message()), HasSubstr("kafka.bootstrap")) << bad;
    }
}

TEST(client_config, a_leading_scheme_is_taken_off_the_bootstrap_address) {
    EXPECT_EQ(admin_config({.bootstrap = "kafka://a:1,b:2/"}).get("bootstrap.servers"), "a:1,b:2");
    EXPECT_EQ(admin_config({.bootstrap = "a:1"}).get("bootstrap.servers"), "a:1");
    EXPECT_EQ(refusal_of([] { return admin_config({.bootstrap = "kafka://"}); }).code(),
              errc::invalid_setting);
}

TEST(client_config, a_property_wins_over_a_setting_also_under_another_name) {
    EXPECT_EQ(producer_config(with({{"linger.ms", "77"}}), {}).get("queue.buffering.max.ms"), "77");
    EXPECT_EQ(producer_config(with({{"queue.buffering.max.ms", "78"}}), {}).get("linger.ms"), "78");
    EXPECT_EQ(
        producer_config(with({{"linger.ms", "77"}}), {.properties = {{"linger.ms", "5"}}}).get("linger.ms"),
        "5");
}

TEST(client_config, an_unknown_property_is_refused_with_the_nearest_name) {
    const error why = refusal_of(with({{"lingr.ms", "5"}}));
    EXPECT_EQ(why.code(), errc::unknown_setting);
    EXPECT_THAT(std::string(why.message()), HasSubstr("kafka.properties lingr.ms"));
    EXPECT_THAT(std::string(why.hint()), HasSubstr("linger.ms"));
    EXPECT_EQ(nearest_property("zzzzzzzzzzzzzzzzzzzzzzz"), "");
}

TEST(client_config, an_ill_typed_property_is_refused) {
    const error why = refusal_of(with({{"linger.ms", "soon"}}));
    EXPECT_EQ(why.code(), errc::invalid_setting);
    EXPECT_THAT(std::string(why.message()), AllOf(HasSubstr("linger.ms"), HasSubstr("soon")));
}

TEST(client_config, what_guarantees_rest_on_cannot_be_changed) {
    for (const auto& [name, value] : std::map<std::string, std::string>{{"enable.auto.commit", "true"},
                                                                        {"enable.auto.offset.store", "true"},
                                                                        {"log.queue", "false"},
                                                                        {"max.poll.interval.ms", "600000"}}) {
        const error why = refusal_of([&] { return consumer_config(with({{name, value}}), reading()); });
        EXPECT_EQ(why.code(), errc::conflicting_settings) << name;
        EXPECT_THAT(std::string(why.message()), HasSubstr(std::string(name).append("=").append(value)));
    }
    for (const auto& [name, value] :
         std::map<std::string, std::string>{{"partitioner", "murmur2_random"},
                                            {"sticky.partitioning.linger.ms", "10"},
                                            {"acks", "1"},
                                            {"delivery.report.only.error", "true"}})
        EXPECT_EQ(refusal_of(with({{name, value}})).code(), errc::conflicting_settings) << name;
}

TEST(client_config, two_settings_that_clash_are_both_named) {
    const error why =
        refusal_of([] { return producer_config(here, {.acks = broker::acknowledgements::leader}); });
    EXPECT_EQ(why.code(), errc::conflicting_settings);
    EXPECT_THAT(std::string(why.message()), AllOf(HasSubstr("enable.idempotence"), HasSubstr("acks=1")));
}

TEST(client_config, what_librdkafka_itself_refuses_is_told_in_its_words) {
    const error why = refusal_of([] {
        return consumer_config(here, {.group = "g",
                                      .topics = {topic_name("a.b")},
                                      .max_poll_interval = std::chrono::seconds(1)})
            .create(RD_KAFKA_CONSUMER);
    });
    EXPECT_THAT(std::string(why.message()),
                AllOf(HasSubstr("max.poll.interval.ms"), HasSubstr("session.timeout.ms")));
}

TEST(client_config, a_password_without_tls_is_refused) {
    for (const std::string mechanism : {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}) {
        connection_settings open = with({{"security.protocol", "SASL_PLAINTEXT"},
                                         {"sasl.mechanism", mechanism},
                                         {"sasl.username", "u"},
                                         {"sasl.password", "canary"}});
        const error why = refusal_of(open);
        EXPECT_EQ(why.code(), errc::conflicting_settings);
        EXPECT_THAT(std::string(why.message()), AllOf(HasSubstr("sasl_plaintext"), HasSubstr(mechanism)));
        EXPECT_THAT(why.describe(), Not(HasSubstr("canary")));
        open.allow_insecure = true;
        EXPECT_NO_THROW((void)producer_config(open, {}));
    }
}

TEST(client_config, tls_without_verification_is_refused) {
    for (const auto& [name, value] :
         std::map<std::string, std::string>{{"enable.ssl.certificate.verification", "false"},
                                            {"ssl.endpoint.identification.algorithm", "none"}}) {
        connection_settings open = with({{"security.protocol", "ssl"}, {name, value}});
        EXPECT_EQ(refusal_of(open).code(), errc::conflicting_settings) << name;
        open.allow_insecure = true;
        EXPECT_NO_THROW((void)producer_config(open, {}));
    }
}

TEST(client_config, a_secret_is_in_no_message) {
    for (const std::string name :
         {"ssl.key.password", "ssl.key.pem", "ssl.keystore.password", "sasl.password"}) {
        const error why = refusal_of([&] {
            property_set all =
                producer_config(with({{"security.protocol", "ssl"}, {name, "hunter-canary"}}), {});
            all.set("no.such.property", "x", "test");
            return all.create(RD_KAFKA_PRODUCER);
        });
        EXPECT_THAT(why.describe(), Not(HasSubstr("hunter-canary"))) << name;
    }
    const error refused = refusal_of([] {
        return producer_config(with({{"security.protocol", "ssl"}, {"ssl.key.pem", "hunter-canary"}}), {})
            .create(RD_KAFKA_PRODUCER);
    });
    EXPECT_THAT(refused.describe(), Not(HasSubstr("hunter-canary")));
}

TEST(client_config, cooperative_sticky_is_refused_where_it_loses_assignments) {
    source_settings sticky = reading();
    sticky.assignor = "cooperative-sticky";
    connection_settings daring = here;
    daring.allow_unsafe_assignor = true;
    EXPECT_NO_THROW((void)consumer_config(daring, sticky));
    if (rd_kafka_version() >= 0x020a0000) {
        EXPECT_NO_THROW((void)consumer_config(here, sticky));
        return;
    }
    const error why = refusal_of([&] { return consumer_config(here, sticky); });
    EXPECT_THAT(std::string(why.message()), AllOf(HasSubstr("#4908"), HasSubstr(rd_kafka_version_str())));
    EXPECT_THAT(std::string(why.hint()), HasSubstr("allow_unsafe_assignor"));
}

TEST(client_config, a_transfer_has_room_beyond_what_users_may_send) {
    for (const auto& [connection, limit] :
         {std::pair(here, 1'000'000U), std::pair(with({{"message.max.bytes", "5000000"}}), 5'000'000U)}) {
        const property_set all = producer_config(connection, {});
        EXPECT_EQ(record_limit(all), limit);
        EXPECT_EQ(all.get("message.max.bytes"), std::to_string(limit + broker::transfer_room));
    }
    EXPECT_EQ(producer_config(here, {.max_record_bytes = 1'000'000'000}).get("message.max.bytes"),
              "1000000000");
}

TEST(client_config, what_a_pattern_leaves_out_the_client_does_not_see_unless_it_is_named) {
    source_settings settings{.group = "g", .pattern = "a\\..*", .except = ".*\\.dlq"};
    EXPECT_EQ(consumer_config(here, settings).get("topic.blacklist"), "^(.*\\.dlq)$");
    settings.topics = {topic_name("a.b.dlq")};
    EXPECT_EQ(consumer_config(here, settings).get("topic.blacklist"), "");
}

TEST(client_config, a_source_needs_a_group_and_something_to_read) {
    EXPECT_EQ(refusal_of([] { return consumer_config(here, {.topics = {topic_name("a.b")}}); }).code(),
              errc::invalid_setting);
    EXPECT_EQ(refusal_of([] { return consumer_config(here, {.group = "g"}); }).code(), errc::invalid_setting);
    EXPECT_NO_THROW((void)consumer_config(here, {.group = "g", .pattern = "a\\..*"}));
}

TEST(client_config, a_transaction_outlives_its_messages) {
    const property_set all = producer_config(here, {.transactional_id = "t"});
    EXPECT_EQ(all.get("transactional.id"), "t");
    EXPECT_EQ(all.get("message.timeout.ms"), all.get("transaction.timeout.ms"));
}

} // namespace
} // namespace corvid::kafka
