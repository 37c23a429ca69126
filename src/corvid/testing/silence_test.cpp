// SPDX-License-Identifier: Apache-2.0
//
// What must not be felt: a key that stands still, thousands of records that fail for ever, a million keys
// that are done, and a record that takes its time.
#include <corvid/base/random_test.hpp>
#include <corvid/testing/sample_test.hpp>

#include <malloc.h>

#include <algorithm>
#include <ctime>
#include <limits>

#ifdef CORVID_SANITIZED
extern "C" std::size_t __sanitizer_get_current_allocated_bytes(); // g++ brings no header for it
#endif

namespace corvid::testing {
namespace {

/// What the whole program has allocated.
std::int64_t live_bytes() {
#ifdef CORVID_SANITIZED
    return static_cast<std::int64_t>(__sanitizer_get_current_allocated_bytes());
#else
    const struct mallinfo2 now = mallinfo2();
    return static_cast<std::int64_t>(now.uordblks + now.hblkhd);
#endif
}

constexpr world_settings without_history{.partitions = 4, .keeps_history = false};

/// Enough to keep what is at work, not what is over.
void keep_little(world& w) {
    EXPECT_TRUE(w.broker().open_admin()->create_topic({.name = topic_name("shop.order.placed"),
                                                       .partitions = 4,
                                                       .config = {{"retention.bytes", "4000000"}}},
                                                      1s));
}

/// `count` orders of as many customers, from `first` on.
void publish_keys(world& w, int first, int count) {
    for (int i = first; i < first + count; ++i)
        w.publish(order_placed{"customer-" + std::to_string(i), i});
}

TEST(silence, a_key_that_stands_still_leaves_all_others_moving) {
    world w(1, without_history);
    std::size_t healthy = 0;
    w.start([&](corvid::service& s) {
        s.on<order_placed>("orders", [&](const order_placed& o, context& ctx) -> task<void> {
            const bool stalls = o.customer == "c7";
            co_await ctx.sleep(stalls ? duration(24h) : duration(1ms));
            healthy += !stalls;
        });
    });
    publish_orders(w, 1'000, 20);
    EXPECT_TRUE(w.run_until([&] { return healthy == std::size_t{999} * 20; }, 2s)) << healthy;
}

/// What rounds of 20,000 healthy records cost, the least of each, while `sick` others are tried again and
/// again.
class healthy_beside {
public:
    explicit healthy_beside(int sick) : w_(2, without_history) {
        w_.start([&](corvid::service& s) {
            s.on<order_placed>("orders",
                               [&](const order_placed& o, context& ctx) -> task<void> {
                                   if (o.n < 0) {
                                       ++failed_;
                                       throw std::runtime_error("never");
                                   }
                                   co_await ctx.sleep(1ms);
                                   ++healthy_;
                               },
                               {.retry = {.first = 1s, .factor = 2, .limit = 1'000'000, .cap = 30s}});
        });
        for (int i = 0; i < sick; ++i)
            w_.publish(order_placed{"sick-" + std::to_string(i), -1});
        w_.run_for(3min); // all of them in their longest back-off
        EXPECT_GE(failed_, static_cast<std::size_t>(sick) * 8);
    }

    void run_round() {
        publish_orders(w_, 1'000, 20);
        const std::size_t wanted = healthy_ + 20'000;
        const std::uint64_t before = w_.time().steps();
        const duration began = w_.now();
        const std::clock_t clock = std::clock();
        EXPECT_TRUE(w_.run_until([&] { return healthy_ == wanted; }, 1min)) << healthy_;
        work = std::min(work, std::clock() - clock);
        took = std::min<duration>(took, w_.now() - began);
        steps = std::min(steps, w_.time().steps() - before);
    }

    duration took = 1h;
    std::uint64_t steps = ~std::uint64_t{0};
    std::clock_t work = std::numeric_limits<std::clock_t>::max(); ///< of the processor

private:
    std::size_t healthy_ = 0, failed_ = 0;
    world w_;
};

TEST(silence, ten_thousand_records_that_always_fail_cost_the_healthy_ones_less_than_a_tenth) {
    healthy_beside none(0), sick(10'000);
    for (int round = 0; round < (is_sanitized ? 2 : 8); ++round) { // in turns: so does the machine change
        none.run_round();
        sick.run_round();
    }
    EXPECT_LE(sick.took.count() * 10, none.took.count() * 11);
    EXPECT_LE(sick.steps * 10, none.steps * 11);
    // Of the microsecond that a record takes here, caches that hold more are felt, and more so by a
    // sanitizer; a look at all that fails, once a record or once a turn, would be so by a multiple.
    EXPECT_LE(sick.work * 10, none.work * (is_sanitized ? 30 : 15));
}

TEST(silence, a_million_keys_leave_no_memory_behind_when_they_are_done) {
    world w(3, without_history);
    keep_little(w);
    std::size_t handled = 0;
    w.start([&](corvid::service& s) {
        s.on<order_placed>("orders", [&](const order_placed&, context& ctx) -> task<void> {
            co_await ctx.sleep(1ms);
            ++handled;
        });
    });
    constexpr int chunk = 20'000, keys = is_sanitized ? 15 * chunk : 1'000'000;
    std::int64_t after_the_first = 0;
    for (int i = 0; i < keys; i += chunk) {
        publish_keys(w, i, chunk);
        w.run_until_consumed();
        if (i == 12 * chunk) after_the_first = live_bytes();
    }
    EXPECT_EQ(handled, std::size_t{keys});
    EXPECT_LT(live_bytes() - after_the_first, 1'000'000) << "more than a byte a key is left";
}

TEST(silence, a_record_that_takes_its_time_holds_no_fetch_buffer) {
    world w(4, without_history);
    keep_little(w);
    std::size_t slow = 0, quick = 0;
    w.start([&](corvid::service& s) {
        s.on<order_placed>("orders", [&](const order_placed& o, context& ctx) -> task<void> {
            const bool is_slow = o.n % 5'000 == 0;
            ++(is_slow ? slow : quick);
            co_await ctx.sleep(is_slow ? duration(24h) : duration(1ms));
        });
    });
    std::int64_t at_first = 0;
    for (int i = 0; i < 300'000; i += 10'000) {
        publish_keys(w, i, 10'000);
        EXPECT_TRUE(w.run_until([&] { return slow + quick >= static_cast<std::size_t>(i) + 10'000; }, 1min));
        if (i == 150'000) at_first = live_bytes();
    }
    EXPECT_EQ(slow, 60u);
    // Each lies in another segment of the log, of up to a MiB, which a buffer that is held would keep.
    EXPECT_LT(live_bytes() - at_first, 2'000'000);
}

} // namespace
} // namespace corvid::testing
