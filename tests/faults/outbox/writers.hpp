// SPDX-License-Identifier: Apache-2.0
//
// writers: threads that commit events to an outbox, each on a connection of its own, in transactions of
// theirs in which the outbox's rows are written early or late.
#pragma once

#include "event_checker.hpp"
#include <corvid/base/scheduler.hpp>

#include <atomic>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace corvid::faults {

struct writer_settings {
    int writers = 8;
    std::uint32_t keys = 200;
    std::uint32_t rows = 2;                 ///< of a transaction, at most, of as many keys
    std::chrono::milliseconds pause{0};     ///< after each transaction
    std::chrono::milliseconds longest{0};   ///< that a transaction takes, without the one of `very_long`
    std::chrono::milliseconds very_long{0}; ///< one transaction of an aggregate of its own takes so long
    double rolled_back = 0;                 ///< share of the transactions
    double poison = 0;                      ///< share of the rows: of each kind in turn
    std::string topic = {};
};

class writers {
public:
    /// Poison is larger than the broker takes, of a topic that is not there, or of one that nobody may write
    /// to.
    static constexpr const char* missing_topic = "test.outbox.missing";
    static constexpr const char* forbidden_topic = "test.outbox.forbidden";

    /// They begin now. `clock` outlives them.
    writers(scheduler& clock, std::string url, writer_settings settings, std::uint64_t seed);
    ~writers() { stop(); }
    writers(const writers&) = delete;
    writers& operator=(const writers&) = delete;

    /// Lets each finish its transaction.
    void stop();
    [[nodiscard]] std::uint64_t committed() const noexcept { return committed_; }
    [[nodiscard]] std::uint64_t rolled_back() const noexcept { return rolled_back_; }
    /// After stop().
    void tell(event_history& to) const;

private:
    struct planned;
    void write(int which, std::uint64_t seed);
    void write_very_long();
    [[nodiscard]] std::string topic_of(std::uint64_t kind) const;
    void run(const planned& what, std::chrono::milliseconds before, std::chrono::milliseconds after,
             bool good);
    void pass(std::chrono::milliseconds span);

    scheduler& clock_;
    const std::string url_;
    const writer_settings settings_;
    std::atomic<bool> stopping_{false};
    std::atomic<std::uint64_t> committed_{0}, rolled_back_{0}, bad_rows_{0};
    signal never_;
    std::mutex mutex_;
    std::set<std::string> answered_, poison_;
    std::vector<std::jthread> threads_;
};

} // namespace corvid::faults
