// SPDX-License-Identifier: Apache-2.0
//
// failure: what happens to a record whose handler did not say done or skip. Pure.
//
// The partition waits with it, so that order holds. A record that is rejected (or whose attempts are used up)
// is never passed over in silence: by default its partition stops there, says so in the log and in /health,
// and all others go on; with `rejected = rejected_policy::pass_over` it is logged with topic, partition and
// offset, counted, and left behind.
#pragma once

#include <corvid/base/backoff.hpp>
#include <corvid/model/outcome.hpp>

#include <variant>

namespace corvid {

enum class rejected_policy : std::uint8_t { stop_partition, pass_over };

struct failure_settings {
    exponential retry = {};
    rejected_policy rejected = rejected_policy::stop_partition;
};

struct retry_after {
    duration delay;
};
struct pass_over {};      ///< counts as done
struct stop_partition {}; ///< the offset is held, the partition too
struct stop_service {};   ///< the offset is held, everything stops
using failure_action = std::variant<retry_after, pass_over, stop_partition, stop_service>;

/// `attempt`: how often the record was tried, from 1; `random`: uniform in [0, 1).
[[nodiscard]] failure_action decide(const outcome& what, int attempt, const failure_settings& settings,
                                    double random);

} // namespace corvid
