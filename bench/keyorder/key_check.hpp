// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bench/keyorder/plan.hpp>
#include <bench/keyorder/work.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

/// Watches the handlers of an arm: every record once, each key's in order and one at a time. The span begins
/// when the first record's work does and ends with the last record's. Any threads.
namespace corvid::bench {

class key_check {
public:
    /// `over` runs once, on any thread: at the last record, or at the first that is wrong.
    key_check(const options& chosen, span& measured, std::function<void()> over);

    /// With work on the CPU the first call waits until what can be fetched has been, and all others with it:
    /// broker and fetching do not compete with what is measured.
    void begin(keyed what) {
        if (!open_.load(std::memory_order_acquire)) [[unlikely]]
            open();
        step(what, 2 * what.sequence);
    }
    void end(keyed what) {
        if (step(what, 2 * what.sequence + 1) && what.sequence + 1 == counts_[what.key]) key_is_done();
    }
    /// A record that is none of the plan.
    void strange() { wrong("a record that was never sent"); }

    /// Once it is over, or when nothing comes any more.
    [[nodiscard]] outcome verdict();

private:
    /// From `expected` to the next; the key's own records alone touch its state, if they are in order.
    bool step(keyed what, std::uint32_t expected) {
        if (what.key < counts_.size() && what.sequence < counts_[what.key] &&
            state_[what.key].load(std::memory_order_relaxed) == expected) [[likely]] {
            state_[what.key].store(expected + 1, std::memory_order_relaxed);
            return true;
        }
        wrong(out_of_order(what));
        return false;
    }
    [[nodiscard]] std::string out_of_order(keyed what) const;
    void open();
    void key_is_done();
    void wrong(std::string why);
    void finish();

    std::vector<std::uint32_t> counts_;
    std::vector<std::atomic<std::uint32_t>>
        state_; // of a key: twice its records done, and 1 while one is at work
    std::uint64_t expected_;
    std::chrono::milliseconds prefetch_;
    span& measured_;
    std::function<void()> over_;
    std::atomic<std::uint32_t> keys_left_{0};
    std::atomic<bool> open_{false};
    std::mutex mutex_; // of what is below
    bool finished_ = false;
    std::string why_;
};

} // namespace corvid::bench
