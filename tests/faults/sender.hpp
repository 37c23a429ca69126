// SPDX-License-Identifier: Apache-2.0
//
// sender: a corvid publisher under a steady load, and what it was told of each record. The value of a record
// is its id.
#pragma once

#include "checker.hpp"
#include <corvid/produce/publisher.hpp>

#include <condition_variable>
#include <mutex>
#include <thread>

namespace corvid::faults {

struct sender_settings {
    topic_name topic = {};
    std::uint64_t first_id = 0;
    int records_per_second = 2'000;
    producer_settings producer = {};
};

class sender {
public:
    sender(broker::cluster& cluster, scheduler& root, sender_settings settings);
    ~sender();
    sender(const sender&) = delete;
    sender& operator=(const sender&) = delete;

    /// Sends no more and waits for what is in flight; false: not everything was answered.
    [[nodiscard]] bool finish(std::chrono::milliseconds patience);

    [[nodiscard]] std::map<std::uint64_t, fate> fates() const;
    [[nodiscard]] std::uint64_t count(fate::state which) const;
    /// How often each error was answered, by its code.
    [[nodiscard]] std::map<std::string, std::uint64_t> errors() const;
    [[nodiscard]] std::uint64_t rebuilds() const noexcept { return publisher_.rebuilds(); }

private:
    void work(const std::stop_token& stop);
    void send(std::uint64_t id);
    void answered(std::uint64_t id, const result<delivery>& answer);

    sender_settings settings_;
    publisher publisher_;
    published_topic* topic_;
    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    std::uint64_t pending_ = 0;
    std::map<std::uint64_t, fate> fates_;
    std::map<std::string, std::uint64_t> errors_;
    std::jthread thread_;
};

} // namespace corvid::faults
