// SPDX-License-Identifier: Apache-2.0
#include <corvid/produce/settings.hpp>

#include <gtest/gtest.h>

namespace corvid {
namespace {

TEST(producer_settings, every_preset_is_valid_and_stays_idempotent) {
    for (const auto& preset :
         {producer_settings{}, throughput_preset(), latency_preset(), durability_preset()}) {
        EXPECT_TRUE(validate(preset));
        EXPECT_TRUE(preset.sink.idempotent);
        EXPECT_EQ(preset.sink.acks, broker::acknowledgements::all);
    }
    EXPECT_EQ(latency_preset().sink.message_timeout, std::chrono::seconds(5));
}

TEST(producer_settings, a_clash_names_both_settings) {
    producer_settings s;
    s.sink.acks = broker::acknowledgements::leader;
    auto answer = validate(s);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code(), errc::conflicting_settings);
    EXPECT_NE(answer.error().message().find("sink.idempotent"), std::string::npos);
    EXPECT_NE(answer.error().message().find("sink.acks"), std::string::npos);

    s = {};
    s.sink.message_timeout = std::chrono::milliseconds(5);
    EXPECT_EQ(validate(s).error().code(), errc::conflicting_settings);
    s = {};
    s.in_flight.records = 0;
    EXPECT_EQ(validate(s).error().code(), errc::invalid_setting);
}

} // namespace
} // namespace corvid
