// SPDX-License-Identifier: Apache-2.0
//
// metric_table: every metric that corvid may emit: name, type, labels, meaning. docs/reference/metrics.md is
// generated from it, and nothing else gives a metric its name. The table is observe/metrics.def.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace corvid {

enum class metric : std::uint8_t {
#define CORVID_METRIC(id, name, type, labels, help) id,
#include <corvid/observe/metrics.def>
#undef CORVID_METRIC
};

enum class metric_type : std::uint8_t {
    counter,
    gauge,
    sampled,   ///< a counter that is kept elsewhere and copied: its handle is a gauge
    durations, ///< a histogram whose bounds double from 1.024 us to 68.7 s
    ages,      ///< a histogram whose bounds double from 1.05 ms to 19.5 h
};

struct metric_info {
    metric id;
    std::string_view name;
    metric_type type;
    std::string_view labels; ///< their names, parted by spaces, in the order that values are given in
    std::string_view help;
};

/// All rows, in the order of `metric`.
[[nodiscard]] std::span<const metric_info> metric_table() noexcept;
[[nodiscard]] const metric_info& info_of(metric which) noexcept;
/// As Prometheus calls it: counter, gauge, histogram.
[[nodiscard]] std::string_view to_string(metric_type type) noexcept;

} // namespace corvid
