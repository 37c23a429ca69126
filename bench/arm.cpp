// SPDX-License-Identifier: Apache-2.0
#include <bench/arm.hpp>

#include <dlfcn.h>
#include <sys/resource.h>

#include <bit>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>

namespace corvid::bench {
namespace {

[[noreturn]] void usage(std::string_view what) {
    std::cerr << "bench: " << what << "\n";
    std::exit(2);
}

template <class Number>
std::function<void(const char*)> number_into(Number& target) {
    return [&target](const char* text) { target = static_cast<Number>(std::strtoull(text, nullptr, 10)); };
}

std::function<void(const char*)> text_into(std::string& target) {
    return [&target](const char* text) { target = text; };
}

double wall_now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double seconds_of(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double cpu_now() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    return seconds_of(used.ru_utime) + seconds_of(used.ru_stime);
}

/// Of this program: getrusage() would tell the peak of the process that started it, if that was higher.
double peak_rss_mb() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("VmHWM:")) return std::strtod(line.c_str() + 6, nullptr) / 1024.0;
    return 0;
}

/// Allocations of this process so far; negative without the interposer.
double mallocs_now() {
    using counter = unsigned long long (*)();
    static const auto count = reinterpret_cast<counter>(dlsym(RTLD_DEFAULT, "corvid_malloc_count"));
    return count ? static_cast<double>(count()) : -1.0;
}

} // namespace

options parse_options(int argc, char** argv) {
    options chosen;
    const std::map<std::string_view, std::function<void(const char*)>> known{
        {"--arm", text_into(chosen.arm)},           {"--bootstrap", text_into(chosen.bootstrap)},
        {"--topic", text_into(chosen.topic)},       {"--group", text_into(chosen.group)},
        {"--format", text_into(chosen.format)},     {"--messages", number_into(chosen.messages)},
        {"--warm-up", number_into(chosen.warm_up)}, {"--size", number_into(chosen.size)},
        {"--keys", number_into(chosen.keys)},       {"--in-flight", number_into(chosen.in_flight)},
        {"--work", text_into(chosen.work)},         {"--spread", text_into(chosen.spread)},
        {"--threads", number_into(chosen.threads)}, {"--concurrency", number_into(chosen.concurrency)},
    };
    for (int i = 1; i < argc; i += 2) {
        const auto option = known.find(argv[i]);
        if (option == known.end()) usage(std::string("unknown option ") + argv[i]);
        if (i + 1 == argc) usage(std::string(argv[i]) + " needs a value");
        option->second(argv[i + 1]);
    }
    if (chosen.bootstrap.empty() || chosen.topic.empty()) usage("--bootstrap and --topic are needed");
    if (chosen.size < 8 || chosen.keys == 0 || chosen.messages == 0)
        usage("--size >= 8, --keys and --messages >= 1");
    return chosen;
}

std::vector<std::string> make_keys(std::uint32_t count) {
    std::vector<std::string> keys(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        char text[16];
        std::snprintf(text, sizeof text, "key-%05u", i);
        keys[i] = text;
    }
    return keys;
}

static_assert(std::endian::native == std::endian::little, "values are stamped by memcpy");

void stamp(char* value, std::uint32_t key, std::uint32_t sequence) {
    std::memcpy(value, &key, sizeof key);
    std::memcpy(value + sizeof key, &sequence, sizeof sequence);
}

void order_check::take_bytes(const void* value, std::size_t size) {
    std::uint32_t fields[2];
    if (size < sizeof fields) {
        ++wrong_;
        return;
    }
    std::memcpy(fields, value, sizeof fields);
    take(fields[0], fields[1]);
}

void span::begin() {
    begun_ = true;
    mallocs_ = mallocs_now();
    wall_ = wall_now();
    cpu_ = cpu_now();
}

void span::end() {
    cpu_ = cpu_now() - cpu_;
    wall_ = wall_now() - wall_;
    const double count = mallocs_now();
    mallocs_ = count < 0 ? -1.0 : count - mallocs_;
}

void print_line(const options& chosen, const span& measured, const outcome& result,
                std::string_view librdkafka) {
    const auto count = static_cast<double>(result.messages);
    std::printf("{\"arm\":\"%s\",\"messages\":%llu,\"seconds\":%.6f,\"msgs_per_s\":%.0f,\"cpu_s\":%.6f,"
                "\"cpu_s_per_million\":%.5f,\"peak_rss_mb\":%.1f,",
                chosen.arm.c_str(), static_cast<unsigned long long>(result.messages), measured.seconds(),
                count / measured.seconds(), measured.cpu_seconds(), measured.cpu_seconds() / count * 1e6,
                peak_rss_mb());
    if (measured.mallocs() >= 0) std::printf("\"mallocs_per_message\":%.5f,", measured.mallocs() / count);
    if (!librdkafka.empty())
        std::printf("\"librdkafka\":\"%.*s\",", static_cast<int>(librdkafka.size()), librdkafka.data());
    std::printf("\"correct\":%s,\"why\":\"%s\"}\n", result.correct ? "true" : "false", result.why.c_str());
    std::fflush(stdout);
}

outcome judge(const order_check& order, std::uint64_t expected) {
    outcome result{.messages = order.taken() + order.wrong()};
    if (order.wrong() != 0)
        result.why = std::to_string(order.wrong()) + " records out of their key's order";
    else if (order.taken() != expected)
        result.why = "took " + std::to_string(order.taken()) + " records of " + std::to_string(expected);
    result.correct = result.why.empty();
    return result;
}

} // namespace corvid::bench
