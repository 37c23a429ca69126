// SPDX-License-Identifier: Apache-2.0
#include <corvid/observe/metrics.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

namespace corvid {

namespace {

double seconds(const timeval& time) noexcept {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double cpu_seconds() noexcept {
    rusage usage{};
    if (getrusage(RUSAGE_SELF, &usage) != 0) return gauge::unknown;
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double resident_bytes() {
    std::ifstream in("/proc/self/statm");
    double pages = 0;
    double resident = 0;
    return in >> pages >> resident ? resident * static_cast<double>(sysconf(_SC_PAGESIZE)) : gauge::unknown;
}

double entries_of(const char* folder) {
    std::error_code failed;
    const std::filesystem::directory_iterator first(folder, failed);
    return failed ? gauge::unknown : static_cast<double>(std::distance(begin(first), end(first)));
}

} // namespace

void export_process_metrics(metrics& into) {
    into.before_export(
        [cpu = into.gauge_of(metric::process_cpu), memory = into.gauge_of(metric::process_memory),
         files = into.gauge_of(metric::process_files), threads = into.gauge_of(metric::process_threads)] {
            cpu.set(cpu_seconds());
            memory.set(resident_bytes());
            files.set(entries_of("/proc/self/fd"));
            threads.set(entries_of("/proc/self/task"));
        });
}

} // namespace corvid
