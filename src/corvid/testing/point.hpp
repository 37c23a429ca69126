// SPDX-License-Identifier: Apache-2.0
//
// point: a moment in the life of a service at which a test lets one of its instances die.
//
//   world.crash_at(corvid::testing::any_commit);                     at the first commit, before or after it
//   world.crash_at(corvid::testing::after_handler.nth(7));           when the seventh record was handled
//   world.crash_at(corvid::testing::before_handler.within(100));     at one of the first hundred, by the seed
#pragma once

#include <cstdint>
#include <string_view>

namespace corvid::testing {

/// `before_…`: it has not happened. `after_…`: it has, and the instance has not learned of it yet.
enum class moment : std::uint8_t {
    before_handler,
    after_handler,
    before_commit,
    after_commit,
    before_send, ///< of a record to any topic but a dead letter topic
    after_send,
    before_dead_letter,
    after_dead_letter,
};

[[nodiscard]] constexpr std::string_view to_string(moment when) noexcept {
    constexpr std::string_view names[] = {"before handler",     "after handler",    "before commit",
                                          "after commit",       "before send",      "after send",
                                          "before dead letter", "after dead letter"};
    return names[static_cast<std::size_t>(when)];
}

struct point {
    moment before;
    moment after; ///< other than `before`: the seed says which of the two
    std::uint64_t first = 1, last = 1;
    std::string_view of = {}; ///< a group, of handlers and commits, or a topic, of sends; empty: any

    /// The n-th time, from 1.
    [[nodiscard]] constexpr point nth(std::uint64_t n) const noexcept { return {before, after, n, n, of}; }
    /// One of the first n times, by the seed.
    [[nodiscard]] constexpr point within(std::uint64_t n) const noexcept { return {before, after, 1, n, of}; }
    /// `group_or_topic` is borrowed until crash_at() returns.
    [[nodiscard]] constexpr point in(std::string_view group_or_topic) const noexcept {
        return {before, after, first, last, group_or_topic};
    }
};

inline constexpr point before_handler{moment::before_handler, moment::before_handler};
inline constexpr point after_handler{moment::after_handler, moment::after_handler};
inline constexpr point any_handler{moment::before_handler, moment::after_handler};
inline constexpr point before_commit{moment::before_commit, moment::before_commit};
inline constexpr point after_commit{moment::after_commit, moment::after_commit};
inline constexpr point any_commit{moment::before_commit, moment::after_commit};
inline constexpr point before_send{moment::before_send, moment::before_send};
inline constexpr point after_send{moment::after_send, moment::after_send};
inline constexpr point any_send{moment::before_send, moment::after_send};
inline constexpr point before_dead_letter{moment::before_dead_letter, moment::before_dead_letter};
inline constexpr point after_dead_letter{moment::after_dead_letter, moment::after_dead_letter};
inline constexpr point any_dead_letter{moment::before_dead_letter, moment::after_dead_letter};

} // namespace corvid::testing
