// SPDX-License-Identifier: Apache-2.0
//
// Orderly stops under load, on a real broker: two workers, and one of them is always on its way out or in.
#include "rig.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace corvid::faults {
namespace {

TEST(graceful_stop_test, a_rolling_restart_loses_nothing_and_repeats_nothing) {
    rig stand("graceful_stop");
    auto load = stand.start_sender();
    auto older = stand.start_worker();
    ASSERT_TRUE(stand.eventually([&] { return stand.processed_so_far() > 0; }, 30s));
    const int stops = is_long_form() ? 50 : 10;
    for (int i = 0; i < stops; ++i) {
        auto younger = stand.start_worker();
        stand.let_pass(stand.between(100ms, 1'500ms));
        older->send_signal(SIGTERM);
        EXPECT_EQ(older->wait(30s), 0) << "stop " << i << " was not clean";
        older = std::move(younger);
    }
    EXPECT_TRUE(load->finish(30s)) << "not every send was answered";
    EXPECT_TRUE(stand.caught_up(60s));
    older->send_signal(SIGTERM);
    EXPECT_EQ(older->wait(30s), 0) << "the last stop was not clean";
    stand.figure("stops", static_cast<std::uint64_t>(stops) + 1);
    const auto found = stand.conclude({load.get()}, false);
    EXPECT_TRUE(found.green()) << found.text();
    EXPECT_EQ(found.redelivered, 0u);
    EXPECT_EQ(found.processed, load->fates().size());
}

} // namespace
} // namespace corvid::faults
