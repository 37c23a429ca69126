// SPDX-License-Identifier: Apache-2.0
#include <bench/keyorder/work.hpp>

#include <time.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>

namespace corvid::bench {
namespace {

std::chrono::nanoseconds thread_time() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

} // namespace

handler_work parse_work(const std::string& text) {
    handler_work work;
    std::string_view rest = text;
    if (rest.starts_with("cpu")) {
        work.kind = work_kind::cpu;
        rest.remove_prefix(3);
    }
    int number = 0;
    const auto [end, failed] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    if (failed != std::errc() || (rest != "us" && rest != "ms")) {
        std::fprintf(stderr, "bench: --work %s is none of 0us 100us 1ms 10ms cpu100us\n", text.c_str());
        std::exit(2);
    }
    work.length = rest == "us" ? std::chrono::microseconds(number) : std::chrono::milliseconds(number);
    if (work.kind == work_kind::none && number > 0) work.kind = work_kind::wait;
    return work;
}

void spin(std::chrono::microseconds length) {
    const auto end = thread_time() + length;
    while (thread_time() < end) {}
}

} // namespace corvid::bench
