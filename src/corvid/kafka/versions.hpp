// SPDX-License-Identifier: Apache-2.0
//
// versions: which librdkafka may be used, decided at run time by what is loaded, and why. The floor
// is 2.0.2, 2.14.2 and newer are recommended. The reasons name librdkafka's own issue numbers (its
// CHANGELOG).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace corvid::kafka {

enum class fitness : std::uint8_t { good, warned, refused };

/// One known fault: it is in every version of [first, last], as rd_kafka_version() writes them (0xMMmmrrpp
/// without pp).
struct version_fault {
    std::uint32_t first;
    std::uint32_t last;
    fitness verdict;
    std::string_view why;
};

/// The table, ascending.
[[nodiscard]] std::span<const version_fault> version_faults() noexcept;

struct version_report {
    std::string version;             ///< "2.0.2"
    fitness verdict = fitness::good; ///< the worst of what applies
    std::vector<std::string_view> reasons;
};

/// Judges a version in rd_kafka_version()'s form.
[[nodiscard]] version_report judge_version(std::uint32_t version);

/// Judges the librdkafka that this process has loaded.
[[nodiscard]] version_report judge_loaded_version();

} // namespace corvid::kafka
