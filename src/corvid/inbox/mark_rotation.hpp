// SPDX-License-Identifier: Apache-2.0
//
// mark_rotation: how PostgreSQL's marks grow old without a row being deleted. They lie in three parts of
// processed_events that are written one after the other, each for one retention; a new mark is looked for in
// the part before, too, and a part that is older than that is truncated. Pure: the state comes in, what to do
// comes out.
//
// Why no event has two effects across a change of parts (the proof is in docs/decisions/0009): between
// "write n" and "write n+1" all transactions write both. Whoever marks reads the turn after its insert and
// begins again if it is another than it thought; and the second change waits until every transaction that
// could have read the turn before the first one has ended. No clock of any client takes part.
#pragma once

#include <corvid/base/scheduler.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <span>

namespace corvid::inbox_detail {

/// What a transaction does in turn `turn`, as numbers of parts (0, 1, 2).
class mark_parts {
public:
    static constexpr std::int64_t count = 3;

    explicit constexpr mark_parts(std::int64_t turn) noexcept
        : written_{part(turn / 2), part(turn / 2 + 1)},
          doubled_(turn % 2 != 0),
          probed_(part(turn / 2 + 2)) {}

    /// Those that take the mark, the older one first: an event is new if it was new in each.
    [[nodiscard]] constexpr std::span<const int> written() const noexcept {
        return std::span(written_).first(doubled_ ? 2 : 1);
    }
    /// The one where it must not be. While two parts are written none is: what is in the one before them has
    /// outlived its time.
    [[nodiscard]] constexpr std::optional<int> probed() const noexcept {
        return doubled_ ? std::nullopt : std::optional(probed_);
    }
    /// The one that must be empty before the next turn.
    [[nodiscard]] constexpr int spare() const noexcept { return written_[1]; }
    [[nodiscard]] constexpr bool doubled() const noexcept { return doubled_; }

private:
    static constexpr int part(std::int64_t generation) noexcept {
        return static_cast<int>(generation % count);
    }
    std::array<int, 2> written_;
    bool doubled_;
    int probed_;
};

/// The row of processed_events_turn, and what the database knows beside it.
struct rotation_state {
    std::int64_t turn = 0;
    std::chrono::seconds age{0};       ///< since the last change to one part
    std::chrono::seconds retention{0}; ///< the longest of all groups
    bool spare_empty = true;
    bool barrier_set = false;
    bool barrier_passed = false; ///< every transaction that began before the barrier was set has ended
};

enum class rotation_step : std::uint8_t {
    rest,        ///< nothing, until the age has come
    wait,        ///< nothing but soon: a transaction is still running
    empty_spare, ///< truncate the spare part
    begin_turn,  ///< from here on two parts are written
    set_barrier, ///< in a transaction that began after that one has ended
    end_turn,    ///< from here on the new part alone is written
};
[[nodiscard]] rotation_step next_step(const rotation_state& now) noexcept;

} // namespace corvid::inbox_detail
