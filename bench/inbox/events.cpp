// SPDX-License-Identifier: Apache-2.0
#include <bench/inbox/arms.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <unordered_set>

namespace corvid::bench {

inbox_options parse(int argc, char** argv) {
    inbox_options chosen;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string_view name = argv[i];
        if (name == "--arm") chosen.arm = argv[i + 1];
        if (name == "--url") chosen.url = argv[i + 1];
        if (name == "--bootstrap") chosen.bootstrap = argv[i + 1];
        if (name == "--topic") chosen.topic = argv[i + 1];
        if (name == "--group") chosen.group = argv[i + 1];
        if (name == "--messages") chosen.messages = std::strtoull(argv[i + 1], nullptr, 10);
    }
    return chosen;
}

std::string id_of(std::uint64_t number) {
    std::array<char, 40> text{};
    const auto scattered = static_cast<unsigned long long>(number * 0x9e3779b97f4a7c15U);
    std::snprintf(text.data(), text.size(), "%012llx-7%03llx-%016llx",
                  static_cast<unsigned long long>(number / 8),
                  static_cast<unsigned long long>(number % 4'096), scattered);
    return text.data();
}

std::uint64_t distinct(std::uint64_t messages) {
    std::unordered_set<std::uint64_t> seen;
    for (std::uint64_t i = 0; i < messages; ++i)
        seen.insert(number_of(i));
    return seen.size();
}

} // namespace corvid::bench
