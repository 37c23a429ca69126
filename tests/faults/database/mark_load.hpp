// SPDX-License-Identifier: Apache-2.0
//
// mark_load: events at a steady rate into an effect_writer, of which some come again within the retention of
// their marks; and mark_watch, which looks at the table meanwhile.
#pragma once

#include "../postgres_process.hpp"
#include "retention_check.hpp"
#include <corvid/inbox/effect_writer.hpp>

#include <atomic>
#include <optional>
#include <random>
#include <thread>

namespace corvid::faults {

/// Seconds since the run began.
class run_clock {
public:
    explicit run_clock(scheduler& of) : of_(of), began_(of.steady_now()) {}
    [[nodiscard]] double now() const {
        return std::chrono::duration<double>(of_.steady_now() - began_).count();
    }
    void wait_until(double when) {
        const std::chrono::duration<double> at(when);
        (void)of_.wait(never_, began_ + std::chrono::duration_cast<duration>(at));
    }

private:
    scheduler& of_;
    signal never_;
    const steady_time began_;
};

struct load_settings {
    double seconds = 0;
    double repeat_within_s = 0; ///< how long after an event it may come again
    double rate = 1'000;        ///< events a second
    double repeated = 0.1;      ///< share of them
};

class mark_load {
public:
    static constexpr std::size_t max_records = 100, transactions = 2;
    static constexpr const char* group = "load";

    /// Begins now. Its table is `effect(id)`. `clock` and `db` outlive it.
    mark_load(run_clock& clock, database& db, const load_settings& settings, std::uint64_t seed);
    mark_load(const mark_load&) = delete;
    mark_load& operator=(const mark_load&) = delete;

    /// Waits until all is sent and settled, or `patience` seconds longer, and ends the writer.
    [[nodiscard]] std::vector<marked_event> finish(double patience);

private:
    void send(std::uint64_t seed);
    [[nodiscard]] std::uint32_t chosen_id(std::mt19937_64& random);

    run_clock& clock_;
    const load_settings settings_;
    std::vector<marked_event> events_; // none is added: the loop and the thread write members of their own
    std::vector<std::size_t> firsts_;
    std::atomic<std::size_t> settled_{0};
    effect_writer writer_;
    std::jthread thread_;
};

/// Looks at the locks, the turn and the dead rows, again and again; commits to a table of its own, to see
/// what machine and disk take; and reads the marks, as somebody who must not wait for the clean-up either.
class mark_watch {
public:
    /// `clock` outlives it. Writers are the sessions of `application`.
    mark_watch(run_clock& clock, const std::string& url, const std::string& application);

    /// Ends it and tells what it saw.
    void tell(retention_history& to);

private:
    void look(const std::stop_token& stop, const std::string& sql);
    void read(const std::stop_token& stop);

    run_clock& clock_;
    const raw_connection looks_, reads_;
    retention_history seen_;
    std::jthread looking_, reading_;
};

} // namespace corvid::faults
