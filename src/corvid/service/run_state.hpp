// SPDX-License-Identifier: Apache-2.0
//
// How a service ends, as its exit code says it.
#pragma once

#include <string_view>

namespace corvid {

enum class exit_code : int {
    clean = 0,     ///< drained, committed, flushed, left
    failed = 1,    ///< a handler or a client gave up; offsets are held
    settings = 2,  ///< the settings cannot work; nothing was started
    undrained = 3, ///< handlers outlasted drain and grace; their records are delivered again
    unflushed = 4, ///< records that were posted could not be sent in time; each was reported
    killed = 130,  ///< a second signal
};

[[nodiscard]] std::string_view to_string(exit_code code) noexcept;

} // namespace corvid
