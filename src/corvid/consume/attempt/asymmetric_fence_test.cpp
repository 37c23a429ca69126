// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/attempt/asymmetric_fence.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <thread>

namespace corvid::detail {
namespace {

struct alignas(64) flag {
    std::atomic<std::uint32_t> at{0};
};

void await(const flag& what, std::uint32_t round) {
    for (unsigned spins = 0; what.at.load(std::memory_order_acquire) != round; ++spins)
        if (spins > 1'000) std::this_thread::yield();
}

// Two threads meet round after round: each stores, and looks for the other's store.
TEST(asymmetric_fence, of_two_that_store_and_look_at_least_one_sees_the_other) {
    constexpr std::uint32_t rounds = 50'000;
    flag often, seldom, begun, ended;
    std::uint32_t often_saw = 0, neither = 0;
    std::thread other([&] {
        for (std::uint32_t round = 1; round <= rounds; ++round) {
            await(begun, round);
            often.at.store(round, std::memory_order_relaxed);
            light_fence();
            often_saw = seldom.at.load(std::memory_order_relaxed);
            ended.at.store(round, std::memory_order_release);
        }
    });
    for (std::uint32_t round = 1; round <= rounds; ++round) {
        begun.at.store(round, std::memory_order_release);
        for (std::uint32_t delay = round % 128; delay > 0; --delay) // while the other hears of it
            std::atomic_signal_fence(std::memory_order_seq_cst);
        seldom.at.store(round, std::memory_order_relaxed);
        heavy_fence();
        const std::uint32_t saw = often.at.load(std::memory_order_relaxed);
        await(ended, round);
        neither += saw != round && often_saw != round;
    }
    other.join();
    EXPECT_EQ(neither, 0U);
}

} // namespace
} // namespace corvid::detail
