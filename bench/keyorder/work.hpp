// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

/// What a handler does with a record, as --work names it: `0us` nothing, `100us` or `1ms` waits that long,
/// `cpu100us` keeps a core busy until its thread has had that much CPU time.
namespace corvid::bench {

enum class work_kind { none, wait, cpu };

struct handler_work {
    work_kind kind = work_kind::none;
    std::chrono::microseconds length{};
};

/// Ends the program if it is none.
[[nodiscard]] handler_work parse_work(const std::string& text);

/// In the thread's CPU time, so that a thread that had to give its core away does not count that as work.
void spin(std::chrono::microseconds length);

} // namespace corvid::bench
