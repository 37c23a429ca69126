// SPDX-License-Identifier: Apache-2.0
#include <corvid/observe/metric_table.hpp>

#include <array>
#include <cstddef>

namespace corvid {

namespace {

constexpr std::array table = {
#define CORVID_METRIC(id, name, type, labels, help) \
    metric_info{metric::id, name, metric_type::type, labels, help},
#include <corvid/observe/metrics.def>
#undef CORVID_METRIC
};

} // namespace

std::span<const metric_info> metric_table() noexcept { return table; }

const metric_info& info_of(metric which) noexcept { return table[static_cast<std::size_t>(which)]; }

std::string_view to_string(metric_type type) noexcept {
    switch (type) {
    case metric_type::counter:
    case metric_type::sampled:
        return "counter";
    case metric_type::gauge:
        return "gauge";
    case metric_type::durations:
    case metric_type::ages:
        break;
    }
    return "histogram";
}

} // namespace corvid
