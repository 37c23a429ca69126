// SPDX-License-Identifier: Apache-2.0
//
// How much a test of random histories does. A sanitizer looks for other faults than the properties of a
// history, and takes ten times as long over each: a tenth of them shows it all code.
#pragma once

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CORVID_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CORVID_SANITIZED 1
#endif
#endif

#include <cstdint>

namespace corvid {

#ifdef CORVID_SANITIZED
inline constexpr bool is_sanitized = true;
#else
inline constexpr bool is_sanitized = false;
#endif

constexpr std::uint64_t histories(std::uint64_t usual) noexcept { return is_sanitized ? usual / 10 : usual; }

} // namespace corvid
