// SPDX-License-Identifier: Apache-2.0
//
// http_call: one HTTP request to this machine, and a port that is free there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace corvid::faults {

struct http_answer {
    int status = 0;
    std::string body;
};

/// None: nobody answered within two seconds.
[[nodiscard]] std::optional<http_answer> http_call(std::uint16_t port, const std::string& method,
                                                   const std::string& path, const std::string& body = {});

/// Throws std::system_error.
[[nodiscard]] std::uint16_t free_port();

} // namespace corvid::faults
