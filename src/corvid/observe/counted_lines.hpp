// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <corvid/observe/log.hpp>
#include <corvid/observe/metrics.hpp>

#include <functional>
#include <utility>
#include <vector>

namespace corvid {

/// Counts each line in `figures`, then tells `next`, if any.
inline std::function<void(log_level)> counted_lines(metrics& figures, std::function<void(log_level)> next) {
    std::vector<counter> lines;
    for (auto level = log_level::trace; level != log_level::off;
         level = static_cast<log_level>(static_cast<int>(level) + 1))
        lines.push_back(figures.counter_of(metric::log_lines, {to_string(level)}));
    return [lines = std::move(lines), next = std::move(next)](log_level level) {
        lines[static_cast<std::size_t>(level)].add();
        if (next) next(level);
    };
}

} // namespace corvid
