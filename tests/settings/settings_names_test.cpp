// SPDX-License-Identifier: Apache-2.0
//
// Names of variables against the properties that the librdkafka at hand really has.
#include <corvid/observe/secret.hpp>
#include <corvid/service/detail/settings_table.hpp>

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include <map>
#include <memory>
#include <set>
#include <string>

namespace corvid {
namespace {

template <class Conf, auto Dump>
void add_names(std::set<std::string>& names, const Conf* conf) {
    std::size_t count = 0;
    const char** list = Dump(const_cast<Conf*>(conf), &count);
    for (std::size_t i = 0; i + 1 < count; i += 2)
        names.emplace(list[i]);
    rd_kafka_conf_dump_free(list, count);
}

/// Every property that users set by name; the others hold pointers or are set by functions of their own.
std::set<std::string> property_names() {
    std::set<std::string> names;
    const std::unique_ptr<rd_kafka_conf_t, decltype(&rd_kafka_conf_destroy)> global(rd_kafka_conf_new(),
                                                                                    rd_kafka_conf_destroy);
    const std::unique_ptr<rd_kafka_topic_conf_t, decltype(&rd_kafka_topic_conf_destroy)> topic(
        rd_kafka_topic_conf_new(), rd_kafka_topic_conf_destroy);
    add_names<rd_kafka_conf_t, rd_kafka_conf_dump>(names, global.get());
    add_names<rd_kafka_topic_conf_t, rd_kafka_topic_conf_dump>(names, topic.get());
    const std::set<std::string> not_by_name = {"opaque",        "default_topic_conf", "interceptors",
                                               "msg_order_cmp", "enabled_events",     "enable_sasl_queue"};
    std::erase_if(names, [&](const std::string& name) {
        return not_by_name.contains(name) || name.ends_with("_cb") || name.starts_with("ssl_") ||
               name == "ssl.engine.callback.data";
    });
    return names;
}

TEST(settings_names, every_property_of_librdkafka_is_reached_by_its_variable) {
    const std::set<std::string> names = property_names();
    ASSERT_GT(names.size(), 80U);
    for (const std::string& name : names) {
        const std::string variable = detail::variable_of("kafka.properties." + name);
        ASSERT_TRUE(variable.starts_with(detail::properties_prefix));
        EXPECT_EQ(detail::property_of(variable.substr(detail::properties_prefix.size())), name);
    }
}

TEST(settings_names, no_two_variables_collide_settings_and_properties_together) {
    std::map<std::string, std::string> owners;
    for (const auto& row : detail::settings_table()) {
        const auto [at, fresh] = owners.emplace(detail::variable_of(row.path), row.path);
        EXPECT_TRUE(fresh) << row.path << " and " << at->second << " are both " << at->first;
    }
    for (const std::string& name : property_names()) {
        const auto [at, fresh] = owners.emplace(detail::variable_of("kafka.properties." + name), name);
        EXPECT_TRUE(fresh) << name << " and " << at->second << " are both " << at->first;
    }
}

TEST(settings_names, what_librdkafka_itself_hides_is_secret_to_corvid) {
    for (const char* name :
         {"sasl.password", "ssl.key.password", "ssl.keystore.password", "sasl.oauthbearer.client.secret"})
        EXPECT_TRUE(is_secret_name(name)) << name;
}

} // namespace
} // namespace corvid
