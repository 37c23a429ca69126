// SPDX-License-Identifier: Apache-2.0
//
// sender: a corvid publisher under a steady load, and what it was told of each record. A record is
// {"id":…,"key":…,"seq":…,"poison":""}: a key out of several at random, and its place among those of that
// key.
#pragma once

#include "history.hpp"
#include <corvid/produce/publisher.hpp>

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace corvid::faults {

struct sender_settings {
    topic_name topic = {};
    std::uint64_t first_id = 0;
    int records_per_second = 2'000;
    std::uint32_t keys = 500;
    std::uint32_t first_key = 0;
    std::uint64_t seed = 1;
    std::uint64_t most = UINT64_MAX; ///< records
    /// What is wrong with a record; empty: nothing. "corrupt" is sent as bytes that are no JSON.
    std::function<std::string(std::uint64_t id)> poison = {};
    producer_settings producer = {};
    bool keeps_pace = false;  ///< makes up for the beats that a busy machine gave it too late
    bool sends_again = false; ///< what is possibly persisted, until it is acknowledged
};

class sender {
public:
    sender(broker::cluster& cluster, scheduler& root, sender_settings settings);
    ~sender();
    sender(const sender&) = delete;
    sender& operator=(const sender&) = delete;

    /// Sends no more and waits for what is in flight; false: not everything was answered.
    [[nodiscard]] bool finish(std::chrono::milliseconds patience);

    /// Waits until `most` records are sent; false: not within the patience.
    [[nodiscard]] bool all_sent(std::chrono::milliseconds patience);
    /// One a record, in the order of their ids.
    [[nodiscard]] std::vector<fate> fates() const;
    [[nodiscard]] std::uint64_t sent_so_far() const;
    /// When the last record was sent, on the machine's steady clock, in nanoseconds.
    [[nodiscard]] std::int64_t ended_at() const;
    /// The longest time without an answer while one was awaited, in seconds.
    [[nodiscard]] double max_silence_s() const;
    [[nodiscard]] std::uint64_t count(fate::state which) const;
    [[nodiscard]] std::uint64_t sent_again() const;
    /// How often each error was answered, by its code.
    [[nodiscard]] std::map<std::string, std::uint64_t> errors() const;
    [[nodiscard]] std::uint64_t rebuilds() const noexcept { return publisher_.rebuilds(); }

private:
    void work(const std::stop_token& stop);
    void send();
    void send(std::size_t which, const fate& its);
    void answered(std::size_t which, const result<delivery>& answer);

    sender_settings settings_;
    scheduler& clock_;
    std::mt19937_64 random_;
    std::vector<std::uint32_t> next_seqs_;
    publisher publisher_;
    published_topic* topic_;
    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    std::uint64_t pending_ = 0;
    std::vector<fate> fates_;
    steady_time last_answer_{}, last_send_{};
    duration max_silence_{};
    std::map<std::string, std::uint64_t> errors_;
    std::jthread thread_;
};

} // namespace corvid::faults
