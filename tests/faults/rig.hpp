// SPDX-License-Identifier: Apache-2.0
//
// rig: what the fault tests stand on: a broker of their own, a topic, a sender, workers to disturb, and a
// witness that keeps an eye on the group's commits. conclude() has the checker judge, and prints the run as
// one line of JSON.
#pragma once

#include "checker.hpp"
#include "kafka_process.hpp"
#include "sender.hpp"
#include "witness.hpp"
#include <corvid/kafka/cluster.hpp>
#include <corvid/service/threaded_scheduler.hpp>

#include <functional>
#include <ios>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace corvid::faults {

using namespace std::chrono_literals;

/// The long forms of the chaos run (CORVID_FAULTS=long), else the short ones of every run.
[[nodiscard]] bool is_long_form();
/// CORVID_FAULTS_SEED, or a fresh one.
[[nodiscard]] std::uint64_t chosen_seed();

class rig {
public:
    static constexpr std::int32_t partitions = 4;
    static constexpr std::chrono::milliseconds session{1'500};

    explicit rig(std::string test);
    ~rig();
    rig(const rig&) = delete;
    rig& operator=(const rig&) = delete;

    [[nodiscard]] std::unique_ptr<sender> start_sender(sender_settings settings = {});
    /// Another life of the worker, with one of its bugs.
    [[nodiscard]] std::unique_ptr<child> start_worker(const std::string& bug = {}) const;

    /// Lets the length of a fault pass.
    void let_pass(std::chrono::milliseconds span);
    [[nodiscard]] bool eventually(const std::function<bool()>& holds, std::chrono::milliseconds patience);
    /// Random, from the run's seed.
    [[nodiscard]] std::chrono::milliseconds between(std::chrono::milliseconds least,
                                                    std::chrono::milliseconds most);

    /// How many records the workers have processed so far, again and again included.
    [[nodiscard]] std::uint64_t processed_so_far();
    /// Waits until the group has committed all that the topic holds.
    [[nodiscard]] bool caught_up(std::chrono::milliseconds patience);
    /// Asks for the group's commits now; every 200 ms it does so by itself.
    void observe_commits();

    /// Adds a figure to the line that conclude() prints.
    void figure(const std::string& name, std::uint64_t value) { figures_.emplace_back(name, value); }
    /// Returns within one life are allowed where the group lost its broker.
    [[nodiscard]] findings conclude(const std::vector<const sender*>& senders, bool returns_within_a_life,
                                    bool expected_green = true);

    [[nodiscard]] kafka_process& kafka() noexcept { return kafka_; }
    [[nodiscard]] const witness& eye() const noexcept { return witness_; }

private:
    struct observed {
        std::uint64_t bytes_of_work; ///< the length of the work file when the commits had been read
        std::vector<committed> commits;
    };
    void feed(checker& judge) const;

    std::string test_;
    std::uint64_t seed_;
    std::mt19937_64 random_;
    kafka_process kafka_;
    threaded_scheduler root_;
    kafka::cluster cluster_;
    steady_time began_;
    signal never_;
    std::filesystem::path work_file_;
    std::streamoff counted_to_ = 0;
    std::uint64_t counted_ = 0;
    bool topic_made_;
    witness witness_;
    mutable std::mutex mutex_;
    std::vector<observed> observed_;
    std::vector<std::pair<std::string, std::uint64_t>> figures_;
    std::jthread observer_;
};

} // namespace corvid::faults
