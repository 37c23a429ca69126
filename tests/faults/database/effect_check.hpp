// SPDX-License-Identifier: Apache-2.0
//
// effect_check: what must hold of a table of effects, and of the events that left with them, however their
// writers were disturbed. Pure.
//
//   missing      acknowledged to its sender, and no effect
//   twice        effects that are one too many
//   reorder      behind one of its key that was sent later
//   out_of_place behind one of its partition that stands behind it: by offset alone
//   unsent       an effect without its event
//   unfounded    an event without its effect
//   event_reorder  an event that came, for the first time, behind a later one of its key
#pragma once

#include "../history.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace corvid::faults {

/// A row in the order of writing, or an event in the order of its partition.
struct written {
    std::uint64_t id = 0;
    std::uint32_t key = 0, seq = 0;
    std::int32_t partition = 0;
    std::int64_t offset = 0;
};

struct effect_findings {
    std::uint64_t effects = 0, missing = 0, twice = 0, reorder = 0, out_of_place = 0;
    std::uint64_t events = 0, events_again = 0, unsent = 0, unfounded = 0, event_reorder = 0;
    std::uint64_t handled_again = 0; ///< as the workers tell it; excused

    [[nodiscard]] bool green(bool by_offset) const {
        return missing + twice + reorder + unsent + unfounded + event_reorder == 0 &&
               (!by_offset || out_of_place == 0);
    }
    [[nodiscard]] std::vector<std::pair<std::string, std::uint64_t>> figures(bool by_offset) const;
    [[nodiscard]] std::string text() const;
};

[[nodiscard]] effect_findings judge(const std::vector<written>& table, const std::vector<fate>& sent);
/// Of a table whose effects have events.
void compare_events(const std::vector<written>& table, const std::vector<written>& events,
                    effect_findings& found);

} // namespace corvid::faults
