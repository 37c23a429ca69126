// SPDX-License-Identifier: Apache-2.0
#include <corvid/observe/secret.hpp>

#include <gtest/gtest.h>

#include <concepts>
#include <ostream>

namespace corvid {
namespace {

template <class T>
concept Printable = requires(std::ostream& out, const T& value) { out << value; };

static_assert(!Printable<secret>, "a secret must not reach a stream by accident");
static_assert(!std::convertible_to<secret, std::string> && !std::convertible_to<std::string, secret>);

TEST(secret, text_is_only_handed_out_by_name) {
    EXPECT_EQ(secret("canary").reveal(), "canary");
    EXPECT_TRUE(secret().empty());
}

TEST(secret_name, librdkafkas_sensitive_properties_are_secret) {
    for (const char* name :
         {"ssl.key.password", "ssl.key.pem", "ssl.certificate.pem", "ssl.keystore.password", "ssl.ca.pem",
          "sasl.username", "sasl.password", "sasl.oauthbearer.config", "sasl.oauthbearer.client.secret",
          "basic.auth.user.info"})
        EXPECT_TRUE(is_secret_name(name)) << name;
}

TEST(secret_name, a_secret_word_counts_wherever_it_stands_and_however_it_is_written) {
    for (const char* name :
         {"password", "DB_PASSWORD", "http.token", "Authorization", "client-secret", "aws_access_key",
          "CORVID_KAFKA_PROPERTIES_SASL_PASSWORD", "CORVID_DATABASE_URL", "x-api-key"})
        EXPECT_TRUE(is_secret_name(name)) << name;
}

TEST(secret_name, everyday_names_are_not_secret) {
    for (const char* name : {"", "key", "topic", "partition", "kafka.bootstrap", "ssl.key.location",
                             "tokenizer", "monkey", "record_key", "ssl.ca.location", "sasl.mechanism", "."})
        EXPECT_FALSE(is_secret_name(name)) << name;
}

TEST(redact, passwords_of_urls_go_and_the_rest_stays) {
    EXPECT_EQ(redact("postgresql://me:canary@db:5432/x?y=1"), "postgresql://me:[redacted]@db:5432/x?y=1");
    EXPECT_EQ(redact("redis://:can@ary@host"), "redis://:[redacted]@host");
    EXPECT_EQ(redact("postgresql://me:can/ary?@db/x"), "postgresql://me:[redacted]@db/x");
    EXPECT_EQ(redact("http://host:8080/a@b and https://u@h"), "http://host:8080/a@b and https://u@h");
}

TEST(redact, values_behind_secret_names_go_whatever_their_form) {
    EXPECT_EQ(redact("host=db password=canary user=me"), "host=db password=[redacted] user=me");
    EXPECT_EQ(redact(R"({"token": "can ary", "n": 1})"), R"({"token": "[redacted]", "n": 1})");
    EXPECT_EQ(redact("Authorization: Bearer canary"), "Authorization: Bearer [redacted]");
    EXPECT_EQ(redact("sasl.password='canary'"), "sasl.password='[redacted]'");
    EXPECT_EQ(redact("x?token=canary&y=2"), "x?token=[redacted]&y=2");
}

TEST(redact, text_without_secrets_is_untouched) {
    for (const char* text :
         {"", "the password is wrong", "a token, b", "password=", "12:30 key=42", "://", "a://@"})
        EXPECT_EQ(redact(text), text);
}

} // namespace
} // namespace corvid
