// SPDX-License-Identifier: Apache-2.0
#include <corvid/service/detail/settings_table.hpp>
#include <corvid/service/settings.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace corvid {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

settings good(std::string_view yaml, const environment& variables = {}) {
    auto read = settings::parse(yaml, "corvid.yaml", variables);
    EXPECT_TRUE(read) << (read ? "" : read.error().describe());
    return read ? *read : settings{};
}

/// The error's code and message.
std::string fault(std::string_view yaml, const environment& variables = {}) {
    const auto read = settings::parse(yaml, "corvid.yaml", variables);
    return read ? "(no error)" : to_string(read.error().code()) + ' ' + std::string(read.error().message());
}

constexpr std::string_view api_example = R"(
service:  billing
kafka:    { bootstrap: "localhost:9092", offset_reset: earliest, properties: { "socket.keepalive.enable": true } }
database: { url: "postgresql://me:canary@db/x" }
http:     { listen: "127.0.0.1:8080" }
topics:
  - { name: air.flight.departed, partitions: 12, replication: 3, retention: 7d, cleanup: delete }
  - { name: air.planes, partitions: 12, cleanup: compact }
)";

TEST(settings, the_file_of_the_api_document_is_read) {
    const settings s = good(api_example);
    EXPECT_EQ(s.service, "billing");
    EXPECT_EQ(s.kafka.properties.at("socket.keepalive.enable"), "true");
    EXPECT_EQ(s.database.url.reveal(), "postgresql://me:canary@db/x");
    ASSERT_EQ(s.topics.size(), 2U);
    EXPECT_EQ(s.topics[0].partitions, 12U);
    EXPECT_EQ(s.topics[0].retention, 168h);
    EXPECT_EQ(s.topics[1].cleanup, cleanup_policy::compact);
    EXPECT_EQ(topic_spec_of(s.topics[0]).config.at("retention.ms"), "604800000");
    EXPECT_EQ(topic_spec_of(s.topics[1]).config.at("cleanup.policy"), "compact");
}

TEST(settings, an_empty_file_leaves_the_defaults_which_are_valid) {
    EXPECT_EQ(good("").describe(), settings{}.describe());
    EXPECT_EQ(good("kafka:\nproduce: ~\n").describe(), settings{}.describe());
    EXPECT_TRUE(settings{}.validate());
}

TEST(settings, the_defaults_of_broker_clients_are_those_of_the_seam) {
    const broker::source_settings source = source_settings_of({});
    const broker::source_settings plain;
    EXPECT_EQ(source.session_timeout, plain.session_timeout);
    EXPECT_EQ(source.max_poll_interval, plain.max_poll_interval);
    EXPECT_EQ(source.prefetch_records, plain.prefetch_records);
    EXPECT_EQ(source.prefetch_kbytes, plain.prefetch_kbytes);
    EXPECT_EQ(source.assignor, plain.assignor);
    EXPECT_EQ(source.client_id, plain.client_id);
    const broker::sink_settings sink = sink_settings_of({});
    const broker::sink_settings bare;
    EXPECT_EQ(sink.linger, bare.linger);
    EXPECT_EQ(sink.batch_records, bare.batch_records);
    EXPECT_EQ(sink.batch_bytes, bare.batch_bytes);
    EXPECT_EQ(sink.compression, bare.compression);
    EXPECT_EQ(sink.request_timeout, bare.request_timeout);
    EXPECT_EQ(sink.message_timeout, bare.message_timeout);
    EXPECT_EQ(sink.max_record_bytes, bare.max_record_bytes);
}

TEST(settings, the_environment_wins_over_the_file) {
    const settings s = good("kafka: { bootstrap: a:1 }", {{"CORVID_KAFKA_BOOTSTRAP", "b:2"},
                                                          {"CORVID_KAFKA_PROPERTIES_SASL_MECHANISM", "PLAIN"},
                                                          {"CORVID_KAFKA_PROPERTIES_LOG_LEVEL", "7"},
                                                          {"CORVID_LOG_LEVEL", "debug"},
                                                          {"CORVID_SHUTDOWN_DRAIN", "1m"},
                                                          {"CORVID_HTTP_HOSTS", "[a, b]"},
                                                          {"CORVID_TOPICS", "[{name: a.b, partitions: 3}]"},
                                                          {"OTHER", "x"}});
    EXPECT_EQ(s.kafka.bootstrap, "b:2");
    EXPECT_EQ(s.kafka.properties.at("sasl.mechanism"), "PLAIN");
    EXPECT_EQ(s.kafka.properties.at("log_level"), "7");
    EXPECT_EQ(s.log.level, log_level::debug);
    EXPECT_EQ(s.shutdown.drain, 60s);
    EXPECT_THAT(s.http.hosts, testing::ElementsAre("a", "b"));
    ASSERT_EQ(s.topics.size(), 1U);
    EXPECT_EQ(s.topics[0].partitions, 3U);
}

TEST(settings, what_the_environment_holds_is_taken_as_it_is) {
    EXPECT_EQ(good("", {{"CORVID_DATABASE_URL", "${NOT_EXPANDED} # a: b"}}).database.url.reveal(),
              "${NOT_EXPANDED} # a: b");
}

TEST(settings, references_are_replaced_before_a_value_is_judged) {
    const settings s = good("kafka: { bootstrap: '${HOST}:${PORT:9092}', prefetch_records: '${N}' }\nlog: { "
                            "level: '${LEVEL:warn}' }",
                            {{"HOST", "h"}, {"N", "5"}});
    EXPECT_EQ(s.kafka.bootstrap, "h:9092");
    EXPECT_EQ(s.kafka.prefetch_records, 5U);
    EXPECT_EQ(s.log.level, log_level::warn);
    EXPECT_EQ(fault("\nservice: ${X}"), "CVD-1006 corvid.yaml:2:10: service: the variable X is not set");
}

TEST(settings, an_unknown_setting_is_refused_with_its_place_and_the_nearest_name) {
    EXPECT_EQ(fault("kafka:\n  ofset_reset: latest"),
              "CVD-1003 corvid.yaml:2:3: kafka.ofset_reset is not known; nearest: kafka.offset_reset");
    EXPECT_EQ(fault("kafak: {}"), "CVD-1003 corvid.yaml:1:1: kafak is not known; nearest: kafka");
    EXPECT_EQ(fault("topics: [{name: a.b, partitons: 3}]"),
              "CVD-1003 corvid.yaml:1:22: topics[0].partitons is not known; nearest: topics[0].partitions");
    EXPECT_EQ(fault("", {{"CORVID_KAFKA_BOOTSTRP", "x"}}),
              "CVD-1003 CORVID_KAFKA_BOOTSTRP: CORVID_KAFKA_BOOTSTRP is not known; nearest: "
              "CORVID_KAFKA_BOOTSTRAP");
    EXPECT_EQ(fault("", {{"CORVID_TEST_KAFKA", "x"}, {"CORVID_BENCH_X", "y"}}), "(no error)");
}

TEST(settings, a_value_of_the_wrong_type_is_refused_with_its_place_and_what_it_should_be) {
    EXPECT_EQ(fault("kafka: { session_timeout: 5 parsecs }"),
              "CVD-1002 corvid.yaml:1:27: kafka.session_timeout is \"5 parsecs\" and should be a duration "
              "from 1s to 1d, such as 200ms, 5s");
    EXPECT_THAT(fault("produce: { idempotent: yes }"), HasSubstr("true or false"));
    EXPECT_THAT(fault("produce: { in_flight: 0 }"), HasSubstr("a number from 1 to 10000000"));
    EXPECT_THAT(fault("produce: { batch_bytes: 1PiB }"), HasSubstr("a size"));
    EXPECT_THAT(fault("kafka: { offset_reset: newest }"), HasSubstr("one of: earliest, latest, error"));
    EXPECT_THAT(fault("produce: { compression: zip }"), HasSubstr("one of: none, gzip, snappy, lz4, zstd"));
    EXPECT_THAT(fault("service: [a]"), HasSubstr("service is a single value"));
    EXPECT_THAT(fault("kafka: x"), HasSubstr("1:8: kafka holds names and values"));
    EXPECT_THAT(fault("[]"), HasSubstr("the document holds names and values"));
    EXPECT_THAT(fault("topics: {}"), HasSubstr("topics is a list"));
    EXPECT_THAT(fault("topics: [{partitions: 1}]"), HasSubstr("topics[0] has no name"));
    EXPECT_THAT(fault("", {{"CORVID_LOG_LEVEL", "loud"}}),
                HasSubstr("CORVID_LOG_LEVEL: log.level is \"loud\""));
    EXPECT_THAT(fault("", {{"CORVID_HTTP_HOSTS", "[a]\n]"}}), HasSubstr("CORVID_HTTP_HOSTS: "));
    EXPECT_THAT(fault("", {{"CORVID_TOPICS", "[{"}}), HasSubstr("CORVID_TOPICS: this is not YAML"));
}

TEST(settings, what_yaml_would_let_pass_is_refused) {
    EXPECT_EQ(fault("service: a\nservice: b"), "CVD-1002 corvid.yaml:2:1: service stands here twice");
    EXPECT_THAT(fault("service: a\n---\nservice: b"),
                HasSubstr("corvid.yaml:2:1: there is text that belongs to no setting"));
    EXPECT_THAT(fault("service: a\n]"), HasSubstr("CVD-100"));
    EXPECT_THAT(fault("]"), HasSubstr("CVD-100"));
    EXPECT_THAT(fault("service: [a"), HasSubstr("this is not YAML"));
    const auto unquoted = settings::parse("kafka:\n  bootstrap: memory:\n", "corvid.yaml", {});
    ASSERT_FALSE(unquoted);
    EXPECT_THAT(std::string(unquoted.error().hint()), HasSubstr("quote a value that has a colon"));
    EXPECT_THAT(fault("? [a, b]\n: c"), HasSubstr("a name is a single text"));
    EXPECT_THAT(fault(std::string(100'000, '[')), HasSubstr("CVD-1005"));
}

TEST(settings, a_secret_is_in_no_error_and_no_description) {
    const environment variables = {{"CORVID_HTTP_TOKEN", "canary"},
                                   {"CORVID_KAFKA_PROPERTIES_SASL_PASSWORD", "canary"}};
    const settings s = good(std::string(api_example) + "log: { level: info }", variables);
    EXPECT_EQ(s.http.token.reveal(), "canary");
    EXPECT_THAT(s.describe(), Not(HasSubstr("canary")));
    EXPECT_THAT(s.describe(), HasSubstr("database.url = [redacted]  (corvid.yaml:4:18)"));
    EXPECT_THAT(s.describe(), HasSubstr("sasl.password: [redacted]"));
    EXPECT_THAT(fault("http: { token: [canary] }"), Not(HasSubstr("canary")));
}

TEST(settings, every_value_tells_where_it_came_from) {
    const settings s = good("service: billing\nkafka:\n  bootstrap: a:1\n", {{"CORVID_LOG_LEVEL", "warn"}});
    const std::string text = s.describe();
    EXPECT_THAT(text, HasSubstr("service = billing  (corvid.yaml:1:10)\n"));
    EXPECT_THAT(text, HasSubstr("kafka.bootstrap = a:1  (corvid.yaml:3:14)\n"));
    EXPECT_THAT(text, HasSubstr("log.level = warn  (CORVID_LOG_LEVEL)\n"));
    EXPECT_THAT(text, HasSubstr("http.listen = 127.0.0.1:8080  (default)\n"));
}

struct clash {
    const char* yaml;
    const char* first;
    const char* second;
};
class settings_that_clash : public testing::TestWithParam<clash> {};

TEST_P(settings_that_clash, are_refused_with_both_names) {
    const std::string text = fault(GetParam().yaml);
    EXPECT_THAT(text, HasSubstr("CVD-1004"));
    EXPECT_THAT(text, HasSubstr(GetParam().first));
    EXPECT_THAT(text, HasSubstr(GetParam().second));
}

INSTANTIATE_TEST_SUITE_P(
    all, settings_that_clash,
    testing::Values(
        clash{"kafka: { session_timeout: 10m }", "kafka.session_timeout", "kafka.max_poll_interval"},
        clash{"kafka: { session_timeout: 5m, max_poll_interval: 5m }", "kafka.session_timeout (5m)",
              "kafka.max_poll_interval (5m)"},
        clash{"shutdown: { drain: 5m }", "shutdown.drain (5m)", "kafka.max_poll_interval (5m)"},
        clash{"kafka: { membership: static }", "kafka.membership", "kafka.instance"},
        clash{"produce: { acks: leader }", "produce.idempotent", "produce.acks"},
        clash{"produce: { linger: 3s, message_timeout: 2s }", "produce.linger", "produce.message_timeout"},
        clash{"produce: { request_timeout: 3s, message_timeout: 2s }", "produce.request_timeout",
              "produce.message_timeout"},
        clash{"produce: { in_flight_bytes: 1KiB }", "produce.max_record_bytes", "produce.in_flight_bytes"},
        clash{"http: { listen: '0.0.0.0:8080' }", "http.listen", "http.token"},
        clash{"topics: [{ name: a.b, cleanup: compact, retention: 7d }]", "retention", "cleanup"}));

TEST(settings, values_that_cannot_work_are_refused) {
    EXPECT_THAT(fault("service: Big Service"), HasSubstr("service is"));
    EXPECT_THAT(fault("kafka: { group: all }"), HasSubstr("kafka.group"));
    EXPECT_THAT(fault("topics: [{name: Legacy_Name}]"), HasSubstr("CVD-1010"));
    EXPECT_THAT(fault("topics: [{name: a.b}, {name: a.b}]"), HasSubstr("two entries"));
    for (const char* listen :
         {"8080", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:65536", "::1:80", "example.org:80"})
        EXPECT_THAT(fault("http: { listen: '" + std::string(listen) + "' }"), HasSubstr("http.listen"))
            << listen;
    for (const char* listen : {"", "localhost:0", "[::1]:80", "127.0.0.2:80"})
        EXPECT_EQ(fault("http: { listen: '" + std::string(listen) + "' }"), "(no error)") << listen;
    EXPECT_EQ(fault("http: { listen: '0.0.0.0:80', token: t }"), "(no error)");
}

TEST(settings, a_group_is_made_of_service_and_subscription) {
    EXPECT_EQ(settings{.service = "billing"}.group_of("delays"), "billing.delays");
    EXPECT_EQ(good("kafka: { group: 'x-{subscription}-{service}' }").group_of("delays"), "x-delays-corvid");
}

TEST(settings, no_two_settings_share_a_variable) {
    std::set<std::string> variables;
    for (const auto& row : detail::settings_table()) {
        const std::string name = detail::variable_of(row.path);
        EXPECT_TRUE(variables.insert(name).second) << name;
        EXPECT_FALSE(name.starts_with(detail::properties_prefix))
            << name << " looks like a librdkafka property";
        EXPECT_FALSE(detail::is_tool_variable(name)) << name << " looks like a tool's";
    }
}

TEST(settings, every_default_is_within_its_own_limits) {
    settings defaults;
    for (const auto& row : detail::settings_table()) {
        const std::string text = text_of(row, defaults);
        const bool structured = text.starts_with("[") || text.starts_with("{}");
        if (text.empty() || structured) continue;
        EXPECT_EQ(fault("", {{detail::variable_of(row.path), text}}), "(no error)")
            << row.path << " = " << text;
    }
}

TEST(settings_reference, names_every_setting_with_its_variable) {
    std::ostringstream out;
    write_settings_reference(out);
    for (const auto& row : detail::settings_table()) {
        EXPECT_THAT(out.str(), HasSubstr("| `" + std::string(row.path) + "` | "));
        EXPECT_THAT(out.str(), HasSubstr('`' + detail::variable_of(row.path) + '`'));
    }
}

class settings_file : public testing::Test {
public:
    void TearDown() override { std::filesystem::remove(path); }
    std::filesystem::path path = testing::TempDir() + "corvid_settings_" +
                                 testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(settings_file, is_loaded_and_named_in_errors) {
    std::ofstream(path) << "service: billing\n";
    EXPECT_EQ(settings::load(path, {}).service, "billing");
    std::ofstream(path) << "servise: billing\n";
    try {
        (void)settings::load(path, {});
        FAIL() << "an unknown setting was taken";
    } catch (const config_error& thrown) {
        EXPECT_EQ(thrown.why(), errc::unknown_setting);
        EXPECT_THAT(thrown.what(), HasSubstr(path.string() + ":1:1"));
    }
}

TEST_F(settings_file, that_is_missing_too_large_or_a_folder_is_refused) {
    EXPECT_EQ(settings::try_load(path, {}).error(), errc::settings_unreadable);
    EXPECT_EQ(settings::try_load("/", {}).error(), errc::settings_unreadable);
    std::ofstream(path) << std::string(1024 * 1024 + 1, '#');
    EXPECT_EQ(settings::try_load(path, {}).error(), errc::settings_unreadable);
}

TEST(process_environment, holds_the_variables_of_this_process) {
    EXPECT_TRUE(process_environment().contains("PATH"));
}

} // namespace
} // namespace corvid
