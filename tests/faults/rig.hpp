// SPDX-License-Identifier: Apache-2.0
//
// rig: what the fault tests stand on: a broker, a topic, a sender, workers to disturb, and a
// witness that keeps an eye on the group's commits. conclude() has the checker judge, and prints the run as
// one line of JSON.
#pragma once

#include "checker.hpp"
#include "form.hpp"
#include "kafka_process.hpp"
#include "network.hpp"
#include "sender.hpp"
#include "witness.hpp"
#include "work_log.hpp"
#include <corvid/kafka/cluster.hpp>
#include <corvid/service/threaded_scheduler.hpp>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace corvid::faults {

using namespace std::chrono_literals;

inline constexpr int usual_rate = 2'000; ///< records a second, where a test says no other

struct rig_settings {
    int brokers = 1;
    bool own_broker = false; ///< one to break; else it may be the shared one (CORVID_TEST_KAFKA)
    bool proxied = false;    ///< the workers and the sender go through network()
    std::size_t workers = 4; ///< that start_workers() starts
    std::chrono::milliseconds session{6'000}; ///< of the group
    bool dead_letters = false;                ///< there is a dead letter topic
    std::vector<std::string> work = {};       ///< what every worker is told: NAME=VALUE
};

class rig {
public:
    static constexpr std::int32_t partitions = 12;

    explicit rig(std::string test, rig_settings settings = {});
    ~rig();
    rig(const rig&) = delete;
    rig& operator=(const rig&) = delete;

    [[nodiscard]] std::unique_ptr<sender> start_sender(sender_settings settings = {});
    /// Another life of a worker, which is told this beside.
    [[nodiscard]] std::unique_ptr<child> start_worker(const std::vector<std::string>& told = {});
    /// All of them; returns when each handles records, in every partition, or throws. `told` is for the
    /// first alone.
    void start_workers(const std::vector<std::string>& told = {});
    [[nodiscard]] child& worker(std::size_t which) { return *workers_[which]; }
    /// The next life of one that has ended.
    void replace(std::size_t which, const std::vector<std::string>& told = {});
    /// Waits until it handles records.
    [[nodiscard]] bool works(std::size_t which, std::chrono::milliseconds patience);
    /// SIGTERM to all; fails the test where one does not end well in time.
    void stop_workers();

    /// Lets the length of a fault pass.
    void let_pass(std::chrono::milliseconds span);
    [[nodiscard]] bool eventually(const std::function<bool()>& holds, std::chrono::milliseconds patience);
    /// Random, from the run's seed.
    [[nodiscard]] std::uint64_t below(std::uint64_t bound);
    [[nodiscard]] std::chrono::milliseconds between(std::chrono::milliseconds least,
                                                    std::chrono::milliseconds most);
    [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }
    [[nodiscard]] std::int64_t now_ns() const;
    [[nodiscard]] double seconds_since(std::int64_t start_ns) const;

    /// How many records the workers have handled so far, again and again included.
    [[nodiscard]] std::uint64_t handled_so_far() { return log_.handled(); }
    /// Waits until this many more have been handled.
    [[nodiscard]] bool handles(std::uint64_t more, std::chrono::milliseconds patience);
    /// Waits until records of every partition have been handled.
    [[nodiscard]] bool moves_everywhere(std::chrono::milliseconds patience);
    /// Waits until a sample has found something committed.
    [[nodiscard]] bool saw_a_commit(std::chrono::milliseconds patience);
    /// Waits until a sample has found a commit below that of an earlier one.
    [[nodiscard]] bool saw_a_rewind(std::chrono::milliseconds patience);
    /// A sample has found a commit in the partition whose metadata ended so.
    [[nodiscard]] bool saw_note(std::int32_t partition, const std::string& ending);
    /// Waits until the group has committed all that the topic holds now.
    [[nodiscard]] bool commits_what_is_there(std::chrono::milliseconds patience);
    /// Waits until the group has committed all that the topic holds.
    [[nodiscard]] bool caught_up(std::chrono::milliseconds patience);
    /// The CPU time that the workers have used, and the most memory that one of them had.
    [[nodiscard]] double cpu_of_workers_s() const;
    [[nodiscard]] double peak_of_workers_mb();
    /// A fault begins.
    void fault() { happened_.faults.push_back(now_ns()); }
    /// What is in the dead letter topic; its records are excused from being handled.
    [[nodiscard]] std::vector<stored> dead_letters();

    /// The line that conclude() prints says red, as it does where the test has failed by then.
    void turn_red() { is_red_ = true; }
    /// Adds a figure to the line that conclude() prints.
    void figure(const std::string& name, double value) { figures_.emplace_back(name, value); }
    [[nodiscard]] findings conclude(const std::vector<const sender*>& senders, const allowance& excused = {},
                                    bool expected_green = true);

    /// Of a rig that asked for brokers of its own.
    [[nodiscard]] kafka_process& kafka() { return kafka_.value(); }
    [[nodiscard]] faults::network& network() { return *network_; }
    [[nodiscard]] const witness& eye() const noexcept { return witness_; }
    [[nodiscard]] work_log& log() noexcept { return log_; }
    [[nodiscard]] const work_log& log() const noexcept { return log_; }
    [[nodiscard]] scheduler& clock() noexcept { return root_; }
    [[nodiscard]] broker::cluster& cluster() noexcept { return cluster_; }
    [[nodiscard]] const std::string& topic() const noexcept { return topic_; }
    [[nodiscard]] const std::string& group() const noexcept { return group_; }
    [[nodiscard]] std::string dead_letter_topic() const { return topic_ + "." + group_ + ".dlq"; }
    void make_topic(const std::string& name, std::map<std::string, std::string> config = {});

private:
    /// How many offsets the commits are behind the end.
    [[nodiscard]] std::optional<std::int64_t> behind(std::int64_t end) const;
    void tell_commits(std::optional<std::int64_t> end) const;
    void observe();
    void print(const findings& found, const std::vector<const sender*>& senders, const allowance& excused,
               bool expected_green) const;

    std::string test_;
    rig_settings settings_;
    std::uint64_t seed_;
    std::mt19937_64 random_;
    std::uint64_t lives_ = 0;
    std::string topic_, group_;
    std::optional<kafka_process> kafka_;
    std::string bootstrap_; // past the network
    std::optional<faults::network> network_;
    threaded_scheduler root_;
    kafka::cluster cluster_;
    steady_time began_;
    signal never_;
    bool topics_made_;
    scratch_directory scratch_;
    work_log log_;
    witness witness_;
    history happened_;
    std::mutex mutex_; // of the samples
    long peak_kib_ = 0;
    bool is_red_ = false;
    std::vector<std::pair<std::string, double>> figures_;
    std::vector<std::unique_ptr<child>> workers_;
    std::jthread observer_;
};

} // namespace corvid::faults
