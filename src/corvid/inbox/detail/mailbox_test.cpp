// SPDX-License-Identifier: Apache-2.0
#include <corvid/inbox/detail/mailbox.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace corvid::inbox_detail {
namespace {

TEST(mailbox, asks_for_one_wake_up_until_it_is_taken_from) {
    mailbox<int> box;
    EXPECT_FALSE(box.fill([](std::vector<int>&) {})) << "nothing came";
    EXPECT_TRUE(box.fill([](std::vector<int>& to) { to = {1, 2}; }));
    EXPECT_FALSE(box.fill([](std::vector<int>& to) { to.push_back(3); }));
    EXPECT_EQ(box.take(), (std::vector{1, 2, 3}));
    EXPECT_TRUE(box.take().empty());
    EXPECT_TRUE(box.fill([](std::vector<int>& to) { to.push_back(4); }));
}

TEST(mailbox, loses_nothing_of_many_threads_and_keeps_the_order_of_each) {
    constexpr int threads = 4, each = 20'000;
    mailbox<std::pair<int, int>> box;
    std::atomic<int> wake_ups = 0;
    std::vector<std::jthread> senders;
    for (int t = 0; t < threads; ++t)
        senders.emplace_back([&, t] {
            for (int n = 0; n < each; ++n)
                if (box.fill([&](auto& to) { to.emplace_back(t, n); })) ++wake_ups;
        });
    std::vector<int> next(threads);
    int takes = 0;
    for (int taken = 0; taken < threads * each;) {
        const auto came = box.take();
        takes += came.empty() ? 0 : 1;
        taken += static_cast<int>(came.size());
        for (const auto& [from, n] : came)
            ASSERT_EQ(n, next[static_cast<std::size_t>(from)]++);
    }
    senders.clear();
    EXPECT_EQ(wake_ups, takes) << "one for each time that there was something";
}

} // namespace
} // namespace corvid::inbox_detail
