// SPDX-License-Identifier: Apache-2.0
//
// placement: whether a plain handler is cheap enough for the group's loop. Handing a run to a worker costs
// about as much as a handler that decodes a small message and touches a table; one that waits or computes
// would hold up every other key on the loop. Nobody says in advance which it is: it is measured.
//
//   workers ──1,000 records, 5 µs or less each in the mean, no run 100 µs late──▶ loop
//           ◀────────────────── one run 1 ms late ───────────────────────────────
//
// A run is late by what it took beyond 5 µs a record: so one slow record shows in a run of 256, and a long
// run of cheap records is no slow one.
//
// A plain value: no clock, no thread.
#pragma once

#include <corvid/base/scheduler.hpp>

#include <cstddef>
#include <cstdint>

namespace corvid {

class placement {
public:
    enum class place : std::uint8_t { workers, loop };
    struct limits {
        std::size_t records = 1'000;                         ///< seen in a row, before it moves to the loop
        duration mean = std::chrono::microseconds(5);        ///< of a record
        duration tolerated = std::chrono::microseconds(100); ///< lateness of a run, to move to the loop
        duration intolerable = std::chrono::milliseconds(1); ///< lateness of a run, to leave it
    };

    explicit placement(place first) noexcept : placement(first, limits{}) {}
    placement(place first, const limits& with) noexcept : limits_(with), at_(first) {}

    [[nodiscard]] place at() const noexcept { return at_; }

    /// A run of `records` records, 1 or more, took so long; true if the handler moves.
    bool ran(std::size_t records, duration took) noexcept {
        const duration expected = limits_.mean * static_cast<std::int64_t>(records);
        if (at_ == place::loop) return took - expected > limits_.intolerable && move_to(place::workers);
        seen_ += records;
        spent_ += took;
        if (took - expected > limits_.tolerated) return begin_again();
        if (seen_ < limits_.records) return false;
        if (spent_ <= limits_.mean * static_cast<std::int64_t>(seen_)) return move_to(place::loop);
        return begin_again();
    }

private:
    bool begin_again() noexcept {
        seen_ = 0;
        spent_ = {};
        return false;
    }
    bool move_to(place other) noexcept {
        begin_again();
        at_ = other;
        return true;
    }

    limits limits_;
    place at_;
    std::size_t seen_ = 0;
    duration spent_{};
};

} // namespace corvid
