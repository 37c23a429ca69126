// SPDX-License-Identifier: Apache-2.0
//
// stand: what the fault tests of relays stand on: a broker and a database of their own, relays as processes,
// and what the checker needs of both. conclude() has it judge, and prints the run as one line of JSON.
#pragma once

#include "../form.hpp"
#include "../kafka_process.hpp"
#include "../postgres_process.hpp"
#include "event_checker.hpp"
#include "writers.hpp"
#include <corvid/service/threaded_scheduler.hpp>

#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace corvid::faults {

using namespace std::chrono_literals;

class stand {
public:
    static constexpr const char* topic = "test.outbox.events";

    /// `kafka`: options of scripts/kafka start.
    explicit stand(std::string test, std::vector<std::string> kafka = {});

    /// A topic that exists and that nobody may write to, where the broker has an authoriser.
    void make_forbidden(const std::string& name) const;

    /// Another life of a relay; `told` as relay_worker.cpp says.
    [[nodiscard]] std::unique_ptr<child> start_relay(const std::vector<std::string>& told = {}) const;
    [[nodiscard]] std::unique_ptr<writers> start_writers(writer_settings settings);

    void let_pass(std::chrono::milliseconds span) { (void)root_.wait(never_, root_.steady_now() + span); }
    [[nodiscard]] bool eventually(const std::function<bool()>& holds, std::chrono::milliseconds patience);
    /// Waits until no row is pending, or held by a transaction.
    [[nodiscard]] bool drained(std::chrono::milliseconds patience);
    [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
    void fault() { ++faults_; }
    void figure(const std::string& name, double value) { figures_.emplace_back(name, value); }

    /// After drained(), when the writers have stopped.
    [[nodiscard]] event_history history_of(const writers& by) const;
    [[nodiscard]] event_findings conclude(const writers& by, bool expected_green = true);
    [[nodiscard]] PGconn* sql() const noexcept { return sql_.get(); }

private:
    [[nodiscard]] std::vector<sent_event> log() const;
    void make_topic(const std::string& name) const;

    std::string test_;
    std::uint64_t seed_;
    std::mt19937_64 random_;
    kafka_process kafka_;
    postgres_process postgres_;
    threaded_scheduler root_;
    signal never_;
    steady_time began_;
    raw_connection sql_;
    int faults_ = 0;
    std::vector<std::pair<std::string, double>> figures_;
};

} // namespace corvid::faults
