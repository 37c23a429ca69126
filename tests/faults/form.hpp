// SPDX-License-Identifier: Apache-2.0
//
// The form in which the fault tests run, and their seed, by environment.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string_view>

namespace corvid::faults {

/// The full size of the chaos run (CORVID_FAULTS=long), else the short form of every run.
[[nodiscard]] inline bool is_long_form() {
    const char* form = std::getenv("CORVID_FAULTS");
    return form && std::string_view(form) == "long";
}
template <class T>
[[nodiscard]] T sized(T full, T brief) {
    return is_long_form() ? full : brief;
}
/// CORVID_FAULTS_SEED, or a fresh one.
[[nodiscard]] inline std::uint64_t chosen_seed() {
    if (const char* given = std::getenv("CORVID_FAULTS_SEED")) return std::strtoull(given, nullptr, 10);
    return std::random_device()();
}

} // namespace corvid::faults
