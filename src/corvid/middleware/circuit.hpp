// SPDX-License-Identifier: Apache-2.0
//
// circuit: when to stop asking a dependency that is ill, and when to try again. A pure value: what happens
// and the time come in, what to do comes out.
//
//   closed ──failures in a row, or their rate in the window──▶ open ──open_for──▶ half_open
//      ▲                                                        ▲                    │ │
//      └──────────────────── so many good probes ───────────────┼────────────────────┘ │
//                                                               └───── a bad probe ────┘
//
// Invariants: while it is open nothing is admitted; while it is half open never more than `probes` are out;
// what was admitted before the last change changes nothing any more.
//
// Time never steps back. Not safe for concurrent use.
#pragma once

#include <corvid/middleware/settings.hpp>

#include <array>
#include <optional>
#include <string_view>
#include <variant>

namespace corvid {

class circuit {
public:
    enum class state : std::uint8_t { closed, half_open, open };
    enum class result : std::uint8_t {
        success,
        failure,
        unknown, ///< it was not tried, or says nothing about the dependency
    };
    struct change {
        state from, to;
        friend bool operator==(const change&, const change&) = default;
    };

    /// It may go on; `period` comes back with its result.
    struct admitted {
        std::uint64_t period;
    };
    /// Not before then. Half open, with all probes out, that is only when to ask again.
    struct refused {
        steady_time until;
    };
    using answer = std::variant<admitted, refused>;
    struct asked {
        answer what;
        std::optional<change> changed;
    };

    explicit circuit(breaker_settings settings);

    /// An attempt would begin.
    [[nodiscard]] asked ask(steady_time now);
    /// One that was admitted has ended; each ends once.
    std::optional<change> ended(std::uint64_t period, result how, steady_time now);

    [[nodiscard]] state now_in() const noexcept { return state_; }
    /// When it is tried again; of meaning while it is open.
    [[nodiscard]] steady_time open_until() const noexcept { return open_until_; }
    [[nodiscard]] std::uint64_t period() const noexcept { return period_; }
    /// So many probes may still go out.
    [[nodiscard]] std::size_t free_probes() const noexcept { return settings_.probes - out_; }
    [[nodiscard]] int failures_in_a_row() const noexcept { return in_a_row_; }
    [[nodiscard]] const breaker_settings& settings() const noexcept { return settings_; }

    /// How soon to ask again while all probes are out.
    [[nodiscard]] duration probe_pause() const noexcept;

private:
    struct counted {
        std::size_t good = 0, bad = 0;
    };
    static constexpr std::size_t slices = 10;

    std::optional<change> go_to(state next, steady_time now);
    std::optional<change> note_closed(result how, steady_time now);
    std::optional<change> note_probe(result how, steady_time now);
    void slide(steady_time now);
    [[nodiscard]] bool rate_is_reached() const noexcept;

    breaker_settings settings_;
    state state_ = state::closed;
    std::uint64_t period_ = 1; // counts up with each change
    steady_time open_until_{};
    std::size_t out_ = 0, good_probes_ = 0;
    int in_a_row_ = 0;
    std::array<counted, slices> window_{};
    std::int64_t slice_ = 0; // the present one, counted from the clock's start
};

/// closed, half_open, open
[[nodiscard]] std::string_view to_string(circuit::state which) noexcept;

} // namespace corvid
