// SPDX-License-Identifier: Apache-2.0
//
// What settings make of a client of librdkafka, whose threads ThreadSanitizer cannot follow.
#include <corvid/service/producer.hpp>

#include <gtest/gtest.h>

#include <string>

namespace corvid {
namespace {

TEST(kafka_settings, what_is_insecure_is_refused_unless_the_settings_take_it) {
    const std::string file = R"(kafka:
  bootstrap: 127.0.0.1:1
  properties: { security.protocol: sasl_plaintext, sasl.mechanism: PLAIN, sasl.username: u, sasl.password: p }
)";
    try {
        const producer out{*settings::parse(file, "corvid.yaml", {})};
        FAIL() << "it was taken";
    } catch (const config_error& e) {
        EXPECT_NE(e.why().hint().find("kafka.allow_insecure"), std::string::npos) << e.why().describe();
    }
    const producer out{*settings::parse(file, "corvid.yaml", {{"CORVID_KAFKA_ALLOW_INSECURE", "true"}})};
}

} // namespace
} // namespace corvid
