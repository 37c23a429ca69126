// SPDX-License-Identifier: Apache-2.0
#include <corvid/observe/health.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>

namespace corvid {
namespace {

health_status good() { return {}; }
health_status bad() { return {.ok = false, .detail = "no broker"}; }

TEST(health, a_registry_without_checks_is_ok) {
    const health_registry health;
    EXPECT_TRUE(health.report(probe::liveness).ok);
    EXPECT_EQ(health.report(probe::readiness).to_json(true), "{\"status\":\"ok\",\"checks\":[]}\n");
}

TEST(health, a_failing_readiness_check_leaves_liveness_alone) {
    health_registry health;
    const auto ready = health.add(probe::readiness, "broker", bad);
    const auto live = health.add(probe::liveness, "loop", good);
    EXPECT_TRUE(health.report(probe::liveness).ok);
    EXPECT_FALSE(health.report(probe::readiness).ok);
    EXPECT_EQ(health.report(probe::readiness).to_json(false), "{\"status\":\"failing\"}\n");
}

TEST(health, a_verbose_report_names_each_check_in_order_of_name) {
    health_registry health;
    const auto second = health.add(probe::readiness, "store \"x\"", good);
    const auto first = health.add(probe::readiness, "broker", bad);
    EXPECT_EQ(health.report(probe::readiness).to_json(true),
              R"({"status":"failing","checks":[{"name":"broker","status":"failing","detail":"no broker"},)"
              R"({"name":"store \"x\"","status":"ok","detail":""}]})"
              "\n");
}

TEST(health, a_check_that_throws_is_failing_and_says_why) {
    health_registry health;
    const auto check =
        health.add(probe::readiness, "store", []() -> health_status { throw std::runtime_error("gone"); });
    const health_report report = health.report(probe::readiness);
    EXPECT_FALSE(report.ok);
    EXPECT_EQ(report.checks.at(0).status.detail, "the check threw: gone");
}

TEST(health, a_check_counts_as_long_as_its_registration_lives) {
    health_registry health;
    auto check = health.add(probe::liveness, "loop", bad);
    auto moved = std::move(check);
    EXPECT_FALSE(health.report(probe::liveness).ok);
    moved = health_registry::registration();
    EXPECT_TRUE(health.report(probe::liveness).ok);
}

TEST(health, a_registration_may_outlive_its_registry) {
    auto alive = std::make_shared<int>();
    health_registry::registration check;
    {
        health_registry health;
        check = health.add(probe::liveness, "loop", [alive] { return good(); });
    }
    EXPECT_EQ(alive.use_count(), 2);
    check.reset();
    EXPECT_EQ(alive.use_count(), 1);
}

} // namespace
} // namespace corvid
