// SPDX-License-Identifier: Apache-2.0
//
// One arm of the serde bench: `serde_arm --arm corvid_read_flight --messages N` prints one JSON line. An
// arm's name is LIBRARY_read|write_flight|booking; `serde_arm --libraries` tells which were there to build.
// It works through 1024 different messages again and again.
#include <corvid/serde/json/json.hpp>

#include <bench/arm.hpp>
#include <bench/serde/shapes.hpp>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>

namespace corvid::bench {

namespace {

constexpr std::size_t different = 1024;

struct measured {
    span time;
    std::uint64_t bytes = 0;
    bool correct = false;
};

template <class T>
struct corpus {
    explicit corpus(T (*make)(std::uint64_t)) {
        byte_buffer buffer;
        for (std::size_t i = 0; i < different; ++i) {
            values.push_back(make(i));
            buffer.clear();
            if (!json::encode(values.back(), buffer)) std::abort();
            texts.emplace_back(buffer.text());
        }
    }
    std::vector<T> values;
    std::vector<std::string> texts;
};

template <class T>
measured run_reads(codec<T>& with, const corpus<T>& from, std::uint64_t messages) {
    measured result{.time = {}, .bytes = 0, .correct = true};
    T to{};
    for (std::size_t i = 0; i < different; ++i) // warm-up, and the check
        result.correct = result.correct && with.read(from.texts[i], to) && to == from.values[i];
    result.time.begin();
    for (std::uint64_t i = 0; i < messages; ++i) {
        result.correct &= with.read(from.texts[i % different], to);
        result.bytes += from.texts[i % different].size();
    }
    result.time.end();
    return result;
}

template <class T>
measured run_writes(codec<T>& with, const corpus<T>& from, std::uint64_t messages) {
    measured result{.time = {}, .bytes = 0, .correct = true};
    std::string to;
    for (std::size_t i = 0; i < different; ++i) {
        const bool wrote = with.write(from.values[i], to);
        const auto back = json::decode<T>(to);
        result.correct = result.correct && wrote && back && *back == from.values[i];
    }
    result.time.begin();
    for (std::uint64_t i = 0; i < messages; ++i) {
        result.correct &= with.write(from.values[i % different], to);
        result.bytes += to.size();
    }
    result.time.end();
    return result;
}

template <class T>
measured run(const std::string& library, bool writes, T (*make)(std::uint64_t), std::uint64_t messages) {
    std::unique_ptr<codec<T>> with;
    if (library == "corvid") with = corvid_codec<T>();
    if (library == "simdjson" && !writes) with = simdjson_codec<T>();
    if (library == "nlohmann") with = nlohmann_codec<T>();
    if (library == "boost") with = boost_codec<T>();
    if (!with) {
        std::fprintf(stderr, "no such arm\n");
        std::exit(2);
    }
    const corpus<T> from(make);
    return writes ? run_writes(*with, from, messages) : run_reads(*with, from, messages);
}

void print(const std::string& arm, std::uint64_t messages, const measured& result) {
    const auto count = static_cast<double>(messages);
    std::printf(
        "{\"arm\":\"%s\",\"messages\":%llu,\"seconds\":%.6f,\"msgs_per_s\":%.0f,\"cpu_s_per_million\":%.5f,"
        "\"ns_per_message\":%.2f,\"bytes_per_message\":%.1f,",
        arm.c_str(), static_cast<unsigned long long>(messages), result.time.seconds(),
        count / result.time.seconds(), result.time.cpu_seconds() / count * 1e6,
        result.time.cpu_seconds() / count * 1e9, static_cast<double>(result.bytes) / count);
    if (result.time.mallocs() >= 0)
        std::printf("\"mallocs_per_message\":%.5f,", result.time.mallocs() / count);
    std::printf("\"correct\":%s,\"why\":\"%s\"}\n", result.correct ? "true" : "false",
                result.correct ? "" : "what was read or written is not what was meant");
}

} // namespace

int serde_main(int argc, char** argv) {
    std::string arm;
    std::uint64_t messages = 1'000'000;
    if (argc == 2 && std::string_view(argv[1]) == "--libraries") {
        std::puts(nlohmann_codec<flight>() ? "corvid simdjson boost nlohmann" : "corvid simdjson boost");
        return 0;
    }
    for (int i = 1; i + 1 < argc; i += 2) {
        if (std::string_view(argv[i]) == "--arm") arm = argv[i + 1];
        if (std::string_view(argv[i]) == "--messages") messages = std::strtoull(argv[i + 1], nullptr, 10);
    }
    const std::string library = arm.substr(0, arm.find('_'));
    const bool writes = arm.find("_write_") != std::string::npos;
    const measured result = arm.ends_with("_flight") ? run<flight>(library, writes, make_flight, messages)
                                                     : run<booking>(library, writes, make_booking, messages);
    print(arm, messages, result);
    return result.correct ? 0 : 1;
}

} // namespace corvid::bench

int main(int argc, char** argv) { return corvid::bench::serde_main(argc, argv); }
