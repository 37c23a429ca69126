// SPDX-License-Identifier: Apache-2.0
#include <corvid/kafka/versions.hpp>

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>

namespace corvid::kafka {
namespace {

constexpr std::uint32_t v(std::uint32_t major, std::uint32_t minor, std::uint32_t revision) noexcept {
    return major << 24U | minor << 16U | revision << 8U;
}

// A fault that corvid's own way of using the library avoids (no pause, resume or seek; fatal errors rebuild
// the client; own watchdogs) is not listed.
constexpr std::array faults{
    version_fault{0, v(2, 0, 1), fitness::refused, "older than 2.0.2, the oldest that corvid is tested with"},
    version_fault{
        v(2, 0, 2), v(2, 2, 0), fitness::warned,
        "an idempotent producer can end with a fatal error after a broker restart (#4438, fixed in 2.3.0); "
        "corvid rebuilds it"},
    version_fault{
        v(2, 0, 2), v(2, 9, 0), fitness::warned,
        "cooperative-sticky loses assignments and spins (#4908, #4800); it is refused below 2.10.0"},
    version_fault{v(2, 0, 2), v(2, 9, 0), fitness::warned,
                  "a metadata refresh can hang on an unreachable broker (#4970, fixed in 2.10.0)"},
    version_fault{v(2, 1, 0), v(2, 1, 0), fitness::refused,
                  "records are delivered twice after an offset validation (#4122), and it crashes"},
    version_fault{v(2, 1, 1), v(2, 2, 0), fitness::refused,
                  "a consumer can get stuck in an endless OffsetForLeaderEpoch loop (#4425) or reset its "
                  "offset (#4447)"},
    version_fault{v(2, 2, 0), v(2, 4, 0), fitness::warned,
                  "a compressed batch can fail with `Unable to reconstruct MessageSet` (#4736)"},
    version_fault{v(2, 3, 0), v(2, 6, 1), fitness::warned,
                  "a partition may not move to its new leader (#4901)"},
    version_fault{v(2, 4, 0), v(2, 8, 0), fitness::warned,
                  "memory is used after it was freed when a topic is created anew (#4778)"},
    version_fault{v(2, 5, 0), v(2, 5, 0), fitness::refused, "an assertion in PushTelemetry ends the process"},
    version_fault{v(2, 6, 0), v(2, 6, 0), fitness::warned, "fetching fails on brokers before 2.7"},
    version_fault{v(2, 10, 0), v(2, 10, 0), fitness::refused,
                  "rebootstrapping loops without end and uses freed memory (#5086, #5066)"},
    version_fault{v(2, 11, 1), v(2, 14, 1), fitness::warned,
                  "builds made with CMake never say that all brokers are down (#5282)"},
};

} // namespace

std::span<const version_fault> version_faults() noexcept { return faults; }

version_report judge_version(std::uint32_t version) {
    const std::uint32_t release = version & 0xffffff00U; // the last byte tells pre-releases apart
    version_report report;
    report.version = std::to_string(version >> 24U) + '.' + std::to_string(version >> 16U & 0xffU) + '.' +
                     std::to_string(version >> 8U & 0xffU);
    for (const version_fault& fault : faults) {
        if (release < fault.first || release > fault.last) continue;
        report.verdict = std::max(report.verdict, fault.verdict);
        report.reasons.push_back(fault.why);
    }
    return report;
}

version_report judge_loaded_version() {
    return judge_version(static_cast<std::uint32_t>(rd_kafka_version()));
}

} // namespace corvid::kafka
