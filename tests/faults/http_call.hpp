// SPDX-License-Identifier: Apache-2.0
//
// http_call: one HTTP request to this machine, and a port that is free there.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace corvid::faults {

struct http_answer {
    int status = 0;
    std::string body;
};

/// None: nobody answered in time.
[[nodiscard]] std::optional<http_answer> http_call(std::uint16_t port, const std::string& method,
                                                   const std::string& path, const std::string& body = {},
                                                   std::chrono::seconds patience = std::chrono::seconds(2));

/// Throws std::system_error.
[[nodiscard]] std::uint16_t free_port();

} // namespace corvid::faults
